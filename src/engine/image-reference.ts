import { DrayError } from '../errors/dray-error.ts'

/** `host:5000/name:tag` as repository and tag; the tag is `latest` where none is given. A digest is refused: it names no tag. */
export function splitReference(reference: string): { repo: string; tag: string } {
  if (reference.includes('@')) throw new DrayError('usage', `"${reference}" names a digest, not a tag`)
  const colon = reference.lastIndexOf(':')
  const hasTag = colon > reference.lastIndexOf('/')
  return hasTag ? { repo: reference.slice(0, colon), tag: reference.slice(colon + 1) } : { repo: reference, tag: 'latest' }
}

/** Whether an image is named by its id or digest, not by a name that could move. */
export function isImageId(reference: string): boolean {
  return /^(sha256:)?[0-9a-f]{12,64}$/.test(reference) || reference.includes('@sha256:')
}

/** Whether it is a name with a tag, as the engine's grammar has them. */
export function isTaggedName(name: string): boolean {
  const [first = '', ...rest] = name.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  const path = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*:\w[\w.-]{0,127}$/
  return name.length <= 1024 && (!hasHost || /^(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d+)?$/.test(first)) && path.test(hasHost ? rest.join('/') : name)
}

/** A name as the engine lists it, for comparison: Docker Hub's prefixes left out, the tag added. */
export function familiarName(reference: string): string {
  const { repo, tag } = splitReference(reference)
  return `${repo.replace(/^docker\.io\//, '').replace(/^library\//, '')}:${tag}`
}

/** "box" is "docker.io/library/box", "index.docker.io" is "docker.io": the same for every way to write a name. The tag stays as it is. */
export function fullName(name: string): string {
  const [first = '', ...rest] = name.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const [host, path] = hasHost ? [first, rest.join('/')] : ['docker.io', name]
  const isHub = host === 'docker.io' || host === 'index.docker.io'
  return isHub ? `docker.io/${path.includes('/') ? path : `library/${path}`}` : `${host}/${path}`
}
