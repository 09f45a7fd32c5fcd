import { Writable } from 'node:stream'

const most = 5
const mostBytes = 2000

/** The end of what a command says, for its error. */
export class LastLines {
  #text = ''

  /** Takes everything, keeps little. */
  sink(): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, callback) => {
        this.#text = (this.#text + chunk.toString()).slice(-mostBytes)
        callback()
      },
    })
  }

  /** On one line. */
  text(): string {
    return this.#text.split('\n').map(line => line.trim()).filter(line => line !== '').slice(-most).join(' / ')
  }
}
