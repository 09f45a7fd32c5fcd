/** The engines that a host can run: Debian's release that has it, and what its daemon.json says. */
export const engines = {
  '20.10': { release: 'bookworm', features: {} },
  '26.1': { release: 'trixie', features: {} },
  '28.5': { release: 'sid', features: { 'containerd-snapshotter': true } },
  '28.5-overlay2': { release: 'sid', features: {} },
} as const

export type EngineName = keyof typeof engines
