import { execFileSync } from 'node:child_process'
import { appendFileSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'

/** What an odd tree needs beside, so that changeTree() can change every kind of thing. */
export function addChangeable(root: string): void {
  const at = (name: string) => `${root}/${name}`
  for (const name of ['to-file', 'to-link', 'aim', 'goes', 'goes/deeper', 'linked-a', 'linked-b', 'attributes', 'inherits', 'kept-time', 'bare-parent']) mkdirSync(at(name))
  for (const name of ['to-file/x', 'to-link/x', 'aim/x', 'goes/deeper/x', 'to-dir', 'same-size', 'linked-a/x', 'grown', 'broken', 'kept-time/x', 'attributes/x']) writeFileSync(at(name), name.padEnd(40, '.'))
  for (let number = 0; number < 200; number++) writeFileSync(at(`kept-time/stays-${number}`), `${number}`)
  linkSync(at('linked-a/x'), at('linked-b/x'))
  linkSync(at('linked-a/x'), at('linked-c'))
  linkSync(at('broken'), at('broken-2'))
  linkSync(at('grown'), at('grown-2'))
  symlinkSync('aim', at('link-to-dir'))
  setAttributes(root, '.', 'attributes', 'attributes/x')
  run('setfacl', '-m', 'u:33:rwx', at('attributes'))
  run('setfacl', '-d', '-m', 'u:99:rwx', at('attributes'), at('bare-parent'))
  run('setcap', 'cap_net_raw+ep', at('same-size'))
}

/** Everything that may have become different between two passes. */
export function changeTree(root: string): void {
  const at = (name: string) => `${root}/${name}`
  rmSync(at('to-file'), { recursive: true })
  writeFileSync(at('to-file'), 'a file now')
  rmSync(at('to-link'), { recursive: true })
  symlinkSync('aim', at('to-link'))
  rmSync(at('to-dir'))
  mkdirSync(at('to-dir'))
  writeFileSync(at('to-dir/x'), 'in a directory now')
  unlinkSync(at('link-to-dir'))
  mkdirSync(at('link-to-dir'))
  writeFileSync(at('link-to-dir/x'), 'not in "aim"')
  rmSync(at('goes'), { recursive: true })
  replaceByItsLike(at('same-size'))
  renameSync(at('linked-a'), at('linked-z'))
  unlinkSync(at('broken-2'))
  writeFileSync(at('broken-2'), 'alone now')
  appendFileSync(at('grown-2'), 'by its other name')
  run('setfattr', '-x', 'user.drayage', at('attributes'))
  run('setfattr', '-x', 'user.drayage', at('attributes/x'))
  run('setfattr', '-x', 'user.drayage', root)
  run('setfacl', '-b', at('attributes'))
  run('setfacl', '-b', at('acl/before'))
  run('setfacl', '-d', '-m', 'u:44:rx', at('inherits'))
  writeFileSync(at('inherits/new'), 'inherits')
  writeFileSync(at('bare-parent/new'), 'x')
  run('setfacl', '-b', at('bare-parent/new'))
  run('setcap', '-r', at('capable'))
  const { atime, mtime } = statSync(at('kept-time'))
  writeFileSync(at('kept-time/x'), 'changed'.padEnd(40, '.'))
  unlinkSync(at('kept-time/stays-7'))
  writeFileSync(at('kept-time/stays-x'), '')
  utimesSync(at('kept-time'), atime, mtime)
  run('truncate', '-s', '+8M', at('all-hole'))
  const odd = readdirSync(root, { encoding: 'buffer' }).filter(name => /[^\x20-\x7e]|^[-*"\\]/.test(name.toString('latin1')))
  for (const [index, name] of odd.entries()) {
    const path = Buffer.concat([Buffer.from(`${root}/`), name])
    if (index % 3 === 0) rmSync(path, { recursive: true })
    else if (index % 3 === 1) renameSync(path, Buffer.concat([path.subarray(0, 200 + root.length), Buffer.from('\n\xfe2', 'latin1')]))
    else if (statSync(path).isFile()) appendFileSync(path, 'more')
  }
  const deep = Array.from({ length: 15 }, () => 'd'.repeat(200)).join('/')
  appendFileSync(at(`${deep}/bottom`), 'more')
  writeFileSync(at(`${deep}/new`), 'new')
}

function setAttributes(root: string, ...names: string[]): void {
  for (const name of names) run('setfattr', '-n', 'user.drayage', '-v', 'goes', `${root}/${name}`)
  for (const name of names) run('setfattr', '-n', 'user.stays', '-v', 'stays', `${root}/${name}`)
}

/** Another file of the same size and mtime under the same name. */
function replaceByItsLike(path: string): void {
  const { atime, mtime, size } = statSync(path)
  writeFileSync(`${path}~`, 'y'.repeat(size))
  utimesSync(`${path}~`, atime, mtime)
  renameSync(`${path}~`, path)
}

function run(...[program, ...args]: [string, ...string[]]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
