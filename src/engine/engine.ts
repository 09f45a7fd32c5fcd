import type { Readable, Writable } from 'node:stream'
import type { HostShell } from './host-shell.ts'
import type { RegistryCall } from './registry-calls.ts'
import type { ContainerInspect, ImageInspect, MountPoint, NetworkInspect, VolumeInspect } from './api-types.ts'

/** What was learnt from GET /version and GET /info when the connection was made. */
export type EngineFacts = {
  /** The engine's own id (GET /info ID): the same engine through two addresses has one id. */
  readonly id: string
  /** The host's name as the engine says it. */
  readonly name: string
  readonly serverVersion: string
  /** The newest API version the engine speaks, and the one that all calls are made with (1.41 to the newest known). */
  readonly engineApiVersion: string
  readonly apiVersion: string
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly kernel: string
  /** `containerd` when DriverStatus names io.containerd.snapshotter.v1 (ENGINE-FACTS 0). */
  readonly store: 'graphdriver' | 'containerd'
  readonly driver: string
  readonly rootDir: string
  readonly rootless: boolean
  readonly userns: boolean
  readonly runtimes: readonly string[]
  readonly defaultRuntime: string
  readonly loggingDriver: string
  readonly cgroupVersion: string
  /** GET /info verbatim, for the spec that a backup keeps. */
  readonly info: Readonly<Record<string, unknown>>
}

export type CallOptions = { readonly signal?: AbortSignal }

/** `Created`: seconds since 1970. */
export type ContainerSummary = { readonly Id: string; readonly Names: string[]; readonly Image: string; readonly ImageID: string; readonly State: string; readonly Created: number; readonly Labels: Record<string, string> | null; readonly Mounts?: readonly MountPoint[] }

export type CommitRequest = {
  readonly container: string
  readonly repo?: string
  readonly tag?: string
  readonly pause?: boolean
  readonly author?: string
  readonly comment?: string
  readonly changes?: readonly string[]
}

/** A demultiplexed attach or exec stream. `stdin` is half-closed by end(); `stdout` and `stderr` end when the process does. */
export type AttachedStreams = { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable; close(): void }

export type ExecResult = { readonly exitCode: number; readonly stdout: Buffer; readonly stderr: Buffer }

export type ExecOptions = CallOptions & { user?: string; env?: readonly string[] }

/** `exitCode` is known when both outputs have ended. */
export type RunningExec = AttachedStreams & { exitCode(): Promise<number> }

export type PathStat = { readonly name: string; readonly size: number; readonly mode: number; readonly mtime: string; readonly linkTarget: string }

/** The verbs on containers that dray uses. A missing container is a DrayError `not-found`; all errors are translated once, here. */
export interface ContainerVerbs {
  list(filters?: Record<string, string[]>, options?: CallOptions): Promise<ContainerSummary[]>
  inspect(id: string, options?: CallOptions & { size?: boolean }): Promise<ContainerInspect>
  /** Body as POST /containers/create takes it. Returns the id. */
  create(body: Record<string, unknown>, query: { name?: string; platform?: string }, options?: CallOptions): Promise<{ id: string; warnings: string[] }>
  start(id: string, options?: CallOptions): Promise<void>
  stop(id: string, query?: { timeoutSeconds?: number }, options?: CallOptions): Promise<void>
  kill(id: string, signalName?: string, options?: CallOptions): Promise<void>
  pause(id: string, options?: CallOptions): Promise<void>
  unpause(id: string, options?: CallOptions): Promise<void>
  rename(id: string, name: string, options?: CallOptions): Promise<void>
  /** Missing is success. */
  remove(id: string, query?: { force?: boolean; volumes?: boolean }, options?: CallOptions): Promise<void>
  /** Resolves with the exit code when the container is not running (or, with `next-exit`, at its next exit). */
  wait(id: string, condition: 'not-running' | 'next-exit' | 'removed', options?: CallOptions): Promise<number>
  /** Paths changed in the writable layer; an empty list means that it is empty. Kind 0 changed, 1 added, 2 deleted. */
  changes(id: string, options?: CallOptions): Promise<{ Path: string; Kind: 0 | 1 | 2 }[]>
  /** Returns the new image's id. */
  commit(request: CommitRequest, options?: CallOptions): Promise<string>
  /** The whole root file system as a tar, without volumes. */
  export(id: string, options?: CallOptions): Promise<Readable>
  getArchive(id: string, path: string, options?: CallOptions): Promise<Readable>
  putArchive(id: string, path: string, tar: Readable, options?: CallOptions): Promise<void>
  statArchive(id: string, path: string, options?: CallOptions): Promise<PathStat>
  /** Attaches before the start, with a raw hijacked socket. */
  attach(id: string, wanted: { stdin: boolean; stdout: boolean; stderr: boolean }, options?: CallOptions): Promise<AttachedStreams>
  exec(id: string, command: readonly string[], options?: ExecOptions): Promise<ExecResult>
  /** The same with streams: for output that is long, and for input. */
  startExec(id: string, command: readonly string[], options?: ExecOptions & { stdin?: boolean }): Promise<RunningExec>
  update(id: string, body: Record<string, unknown>, options?: CallOptions): Promise<void>
  logs(id: string, query: { tail: number }, options?: CallOptions): Promise<string>
}

export type LoadReport = {
  /** `Loaded image: NAME` and `Loaded image ID: ID` lines of the stream, in order. */
  readonly names: readonly string[]
  readonly ids: readonly string[]
}

export interface ImageVerbs {
  list(options?: CallOptions & { all?: boolean; filters?: Record<string, string[]> }): Promise<{ Id: string; RepoTags: string[] | null; RepoDigests?: string[] | null; Labels?: Record<string, string> | null }[]>
  inspect(ref: string, options?: CallOptions & { manifests?: boolean }): Promise<ImageInspect>
  history(ref: string, options?: CallOptions): Promise<Record<string, unknown>[]>
  /** One image, by name:tag or id: never a bare repository name (ENGINE-FACTS 1.3). The caller proves the tar's end. */
  save(ref: string, options?: CallOptions): Promise<Readable>
  /**
   * Sends a tar (plain or gzip). Fails on `errorDetail`, on "Error unpacking image" (which a containerd store of 27.2 and
   * newer reports inside a successful answer) and on a stream that ends early. The caller inspects afterwards.
   */
  load(tar: Readable, options?: CallOptions): Promise<LoadReport>
  tag(ref: string, repo: string, tag: string, options?: CallOptions): Promise<void>
  /** Missing is success. Never prunes parents unless asked. */
  remove(ref: string, query?: { force?: boolean; noprune?: boolean }, options?: CallOptions): Promise<void>
  /** One tag. Fails on what the registry or the engine reports inside a successful answer. Returns the digest that the registry has now. */
  push(ref: string, options: RegistryCall): Promise<string | undefined>
  /** One tag or digest. The caller inspects afterwards. */
  pull(ref: string, options: RegistryCall): Promise<void>
  /** POST /images/create?fromSrc=-: a flat image from a root file system tar. Returns its id. */
  importRootfs(tar: Readable, query: { repo?: string; tag?: string; changes?: readonly string[]; message?: string; platform?: string }, options?: CallOptions): Promise<string>
}

export interface VolumeVerbs {
  list(filters?: Record<string, string[]>, options?: CallOptions): Promise<VolumeInspect[]>
  inspect(name: string, options?: CallOptions): Promise<VolumeInspect>
  create(body: { Name?: string; Driver?: string; DriverOpts?: Record<string, string>; Labels?: Record<string, string> }, options?: CallOptions): Promise<VolumeInspect>
  /** Missing is success. */
  remove(name: string, query?: { force?: boolean }, options?: CallOptions): Promise<void>
}

export interface NetworkVerbs {
  list(filters?: Record<string, string[]>, options?: CallOptions): Promise<NetworkInspect[]>
  inspect(id: string, options?: CallOptions): Promise<NetworkInspect>
  create(body: Record<string, unknown>, options?: CallOptions): Promise<string>
  connect(id: string, body: Record<string, unknown>, options?: CallOptions): Promise<void>
  disconnect(id: string, body: { Container: string; Force?: boolean }, options?: CallOptions): Promise<void>
  /** Missing is success. */
  remove(id: string, options?: CallOptions): Promise<void>
}

export type EngineEvent = { readonly Type: string; readonly Action: string; readonly Actor: { readonly ID: string; readonly Attributes: Record<string, string> }; readonly timeNano: number }

/** Moments as clock() tells them. With an `until` that has passed, the iteration ends by itself. */
export type EventWindow = { readonly since?: string; readonly until?: string }

/** A connected engine. `close()` ends every socket and child process that the connection holds. */
export interface Engine {
  /** As the user wrote it, or the default's name: for messages. */
  readonly address: string
  readonly facts: EngineFacts
  readonly containers: ContainerVerbs
  readonly images: ImageVerbs
  readonly volumes: VolumeVerbs
  readonly networks: NetworkVerbs
  /** A shell on the machine that may be the engine's host: here for a local socket, through ssh for ssh://, none for tcp. It proves nothing about whose files are seen. */
  readonly shell: HostShell | undefined
  /**
   * Events until the signal fires, or up to `until`: from `since` on, of which the engine keeps its last 256; without it from
   * about now on, and then the first ones may be missed, because an engine answers before it listens.
   */
  events(filters: Record<string, string[]>, signal: AbortSignal, window?: EventWindow): AsyncIterable<EngineEvent>
  /** The engine's own time, in Unix seconds with all the digits it gives. */
  clock(options?: CallOptions): Promise<string>
  /** Nobody waits for it any more: all that is asked of it from now on fails at once, as `engine-unreachable`. */
  giveUp(): void
  close(): Promise<void>
}
