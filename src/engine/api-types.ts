/**
 * The engine's answers, as far as dray reads them. Every type keeps the fields that dray does not know: a spec is stored
 * and replayed verbatim, so nothing may be narrowed away.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined }
export type JsonObject = Record<string, Json | undefined>

export type MountPoint = {
  Type: 'volume' | 'bind' | 'tmpfs' | 'npipe' | 'cluster' | 'image'
  Name?: string
  Source: string
  Destination: string
  Driver?: string
  Mode: string
  RW: boolean
  Propagation: string
}

export type EndpointSettings = JsonObject & {
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] } | null
  Links?: string[] | null
  Aliases?: string[] | null
  MacAddress?: string
  NetworkID?: string
  DriverOpts?: Record<string, string> | null
}

export type ContainerInspect = {
  Id: string
  Created: string
  Name: string
  Image: string
  Path: string
  Args: string[]
  Platform: string
  State: { Status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'; Running: boolean; Paused: boolean; Restarting: boolean; ExitCode: number; StartedAt: string; FinishedAt: string; Pid: number; Health?: { Status: 'none' | 'starting' | 'healthy' | 'unhealthy'; FailingStreak: number; Log: { ExitCode: number; Output: string }[] | null } }
  RestartCount: number
  Config: JsonObject & { Image: string; Hostname: string; Env: string[] | null; Labels: Record<string, string> | null; Entrypoint: string[] | null; Cmd: string[] | null; Volumes: Record<string, unknown> | null }
  HostConfig: JsonObject & { NetworkMode: string; Binds: string[] | null; AutoRemove: boolean; RestartPolicy: { Name: string; MaximumRetryCount: number } }
  NetworkSettings: { Networks: Record<string, EndpointSettings>; Ports?: Record<string, { HostIp: string; HostPort: string }[] | null> } & Record<string, unknown>
  Mounts: MountPoint[]
  GraphDriver?: { Name: string; Data: Record<string, string> | null }
  SizeRw?: number
  SizeRootFs?: number
}

export type ImageInspect = {
  Id: string
  RepoTags: string[] | null
  RepoDigests: string[] | null
  Created?: string
  Architecture: string
  Os: string
  Variant?: string
  Size: number
  RootFS: { Type: string; Layers?: string[] }
  Config: JsonObject | null
  /** Containerd store, API 1.48 and newer, when asked for. */
  Manifests?: { ID: string; Descriptor: { mediaType: string; digest: `sha256:${string}`; size: number }; Available: boolean; Kind: string; ImageData?: { Platform: { os: string; architecture: string; variant?: string } } }[]
}

export type VolumeInspect = { Name: string; Driver: string; Mountpoint: string; Labels: Record<string, string> | null; Options: Record<string, string> | null; Scope: string; CreatedAt?: string }

export type NetworkInspect = JsonObject & { Id: string; Name: string; Driver: string; Scope: string; Labels: Record<string, string> | null; Options: Record<string, string> | null; IPAM: { Driver: string; Options: Record<string, string> | null; Config: { Subnet?: string; Gateway?: string; IPRange?: string; AuxiliaryAddresses?: Record<string, string> }[] | null } }
