/** `node delayed-pipe.js MILLISECONDS HOST PORT`, as a ProxyCommand of ssh: every byte arrives so much later, each way. */
import { connect } from 'node:net'
import type { Readable, Writable } from 'node:stream'

const [delay = '', host = '', port = ''] = process.argv.slice(2)
/** What is under way on a line of that length; more waits where it comes from. */
const mostUnderWay = 4 * 1024 * 1024

function pass(from: Readable, to: Writable): void {
  let underWay = 0
  from.on('data', (bytes: Buffer) => {
    underWay += bytes.length
    if (underWay > mostUnderWay) from.pause()
    setTimeout(() => {
      to.write(bytes, () => {
        underWay -= bytes.length
        if (underWay <= mostUnderWay) from.resume()
      })
    }, Number(delay))
  })
  from.once('end', () => setTimeout(() => to.end(), Number(delay)))
}

const socket = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true })
pass(process.stdin, socket)
pass(socket, process.stdout)
for (const each of [socket, process.stdin, process.stdout]) {
  each.once('error', () => {
    process.exitCode = 1
    for (const other of [socket, process.stdin, process.stdout]) other.destroy()
  })
}
