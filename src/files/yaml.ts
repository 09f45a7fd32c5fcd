import { Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import { DrayError, messageOf } from '../errors/dray-error.ts'

/** A YAML text as data. `lineOf` is the line, from 1, of the value at a path of keys and numbers, or of the nearest that is there. */
export type ParsedYaml = { readonly value: unknown; readonly lineOf: (path: readonly (string | number)[]) => number }

/** Throws `usage` with the file's name and the line for text that is not YAML, for a key that is there twice, and for more than one document. */
export function parseYaml(text: string, { fileName }: { readonly fileName: string }): ParsedYaml {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, uniqueKeys: true, prettyErrors: false, strict: true })
  const [error] = document.errors
  if (error !== undefined) throw notYaml(`${fileName}:${lineCounter.linePos(error.pos[0]).line}: ${error.code === 'DUPLICATE_KEY' ? `the key "${keyAt(text, error.pos[0])}" is there twice` : error.message}`)
  return { value: toValue(document, fileName), lineOf: path => lineCounter.linePos(offsetOf(document, path)).line }
}

/** Aliases of what is not there, or of too much, are noticed only here. */
function toValue(document: Document, fileName: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (thrown) {
    throw notYaml(`${fileName}: ${messageOf(thrown)}`)
  }
}

function keyAt(text: string, offset: number): string {
  return /^["']?(.*?)["']?\s*:/.exec(text.slice(offset))?.[1] ?? ''
}

function notYaml(message: string): DrayError {
  return new DrayError('usage', message, { hints: ['the file is YAML 1.2: indentation by spaces, "key: value", lists with "- "'] })
}

function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

/** Stands above the value at a path of keys and numbers; one of the empty path at the top of the file. */
export type YamlComment = { readonly path: readonly (string | number)[]; readonly text: string }

/** Block style, no aliases, long lines as they are; a text that a reader of YAML 1.1 would take for something else is quoted. */
export function formatYaml(value: unknown, comments: readonly YamlComment[] = []): string {
  const document = new Document(value, { aliasDuplicateObjects: false, compat: 'yaml-1.1' })
  for (const { path, text } of comments) putAbove(document, path, text.split('\n').map(line => ` ${line}`).join('\n'))
  return document.toString({ lineWidth: 0 })
}

function putAbove(document: Document, path: readonly (string | number)[], comment: string): void {
  if (path.length === 0) {
    document.commentBefore = comment
    return
  }
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  const key = isMap(parent) ? parent.items.find(pair => isScalar(pair.key) && pair.key.value === path.at(-1))?.key : document.getIn(path, true)
  if (!isNode(key)) throw new RangeError(`there is nothing at ${path.join('.')}`)
  key.commentBefore = comment
}
