// Preloaded into a process (--import): its clock is CLOCK_AHEAD_MS milliseconds ahead. What the kernel and the engine say of times is as it is.
const Real = Date
const aheadMs = Number(process.env['CLOCK_AHEAD_MS'])

class Shifted extends Real {
  constructor(...args: readonly [] | readonly [string | number | Date]) {
    if (args.length === 0) super(Shifted.now())
    else super(...args)
  }

  static override now(): number {
    return Real.now() + aheadMs
  }
}

globalThis.Date = Shifted as DateConstructor
