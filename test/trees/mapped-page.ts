import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * Maps the first page of a file into memory, shared, and writes into it what it reads, 4 bytes at a time, by read(2) to the
 * page's address. Perl is part of every Debian; the numbers of the system calls are those of the machine's architecture.
 */
const program = String.raw`
my ($path, $mmap, $read) = @ARGV;
open(my $file, '+<', $path) or die "$path: $!";
my $address = 0x20000000;
$! = 0;
syscall($mmap + 0, $address, 4096, 3, 0x11, fileno($file), 0);
die "mmap: $!" if $!;
$| = 1;
print "mapped\n";
while (1) {
  my $got = syscall($read + 0, 0, $address, 4);
  last if $got <= 0;
  print "written\n";
}
`

const calls: Readonly<Partial<Record<NodeJS.Architecture, readonly [mmap: string, read: string]>>> = { x64: ['9', '0'], arm64: ['222', '63'] }

/** The first page of a file in the memory of a process, as a database has it. */
export class MappedPage implements AsyncDisposable {
  private readonly child: ReturnType<typeof spawn>
  private readonly lines: AsyncIterator<string>

  private constructor(child: ReturnType<typeof spawn>, lines: AsyncIterator<string>) {
    this.child = child
    this.lines = lines
  }

  static async of(path: string): Promise<MappedPage> {
    const numbers = calls[process.arch]
    if (numbers === undefined) throw new Error(`the numbers of the system calls of "${process.arch}" are not known`)
    const child = spawn('perl', ['-e', program, path, ...numbers], { stdio: ['pipe', 'pipe', 'inherit'] })
    const page = new MappedPage(child, createInterface({ input: child.stdout })[Symbol.asyncIterator]())
    await page.expect('mapped')
    return page
  }

  /** Four bytes, at the beginning of the page. Written when this resolves; the file's times move only if the page was clean. */
  async write(bytes: string): Promise<void> {
    if (Buffer.byteLength(bytes) !== 4) throw new RangeError('four bytes are written')
    this.child.stdin?.write(bytes)
    await this.expect('written')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.child, 'close')
    this.child.stdin?.end()
    await ended
  }

  private async expect(line: string): Promise<void> {
    const next = await this.lines.next()
    if (next.value !== line) throw new Error(`perl ended instead of saying "${line}"`)
  }
}
