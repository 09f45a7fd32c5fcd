/** Characters of ours that are not ASCII, in words that are. */
const inAscii: Readonly<Record<string, string>> = { '…': '...', '·': '-' }

type Environment = Readonly<Record<string, string | undefined>>

/** Whether the locale is one of UTF-8, which the signs of a wizard and of a live view are. Where nothing says so, terminals are. */
export function isUtf8Locale(env: Environment): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(each => each !== undefined && each !== '')
  return locale === undefined || /utf-?8/i.test(locale)
}

/** What a terminal of another locale can show of a text of ours. Names of files and containers stay as they are. */
export function forTerminal(text: string, { isTTY }: { readonly isTTY?: boolean }, env: Environment = process.env): string {
  return isTTY !== true || isUtf8Locale(env) ? text : text.replace(/[…·]/g, sign => inAscii[sign] ?? sign)
}
