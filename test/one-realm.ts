// Jest runs tests in a vm context with an Error of its own, so that errors of node:fs are not `instanceof Error` there,
// although they are in the program. Imported first, this makes them so in a test too.
import { types } from 'node:util'

Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, thrown: unknown): boolean {
    return this === Error ? types.isNativeError(thrown) : Function.prototype[Symbol.hasInstance].call(this as () => void, thrown)
  },
})
