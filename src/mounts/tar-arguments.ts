/**
 * GNU tar's arguments, chosen so that the same files give the same bytes on every run and every host:
 * - no process id in a name: exthdr.name is fixed, and sparse files use version 0.0, because 0.1 and 1.0 put the process
 *   id into the member's name ("GNUSparseFile.PID/name");
 * - ACLs travel as the binary SCHILY.xattr.system.posix_acl_*, not by --acls, which writes user names into the text
 *   even with --numeric-owner, so that another host would give the rights to someone else.
 */
export const createArguments = [
  '--create', '--file=-', '--blocking-factor=128', '--format=pax', '--numeric-owner', '--xattrs', '--xattrs-include=*', '--sparse', '--sparse-version=0.0',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime', '--quoting-style=escape',
  '--no-recursion', '--null', '--verbatim-files-from', '--files-from=-',
] as const

/**
 * Directories get their attributes after the last entry, because names sorted by bytes come back to a directory ("./a",
 * "./a-b", "./a/x"). Absolute member names lose their slash, ".." is refused, and a symbolic link that leaves the tree
 * becomes real only at the end, so nothing is written through it.
 */
export const extractArguments = [
  '--extract', '--file=-', '--blocking-factor=512', '--preserve-permissions', '--same-owner', '--numeric-owner', '--xattrs', '--xattrs-include=*',
  '--delay-directory-restore', '--warning=no-timestamp', '--quoting-style=escape',
] as const

/** The same without what only root may: owners become whoever extracts, and attributes are the user's and the ACLs. */
export const extractArgumentsOfUser: readonly string[] = [
  ...extractArguments.filter(each => each !== '--xattrs-include=*' && each !== '--same-owner'), '--no-same-owner', '--xattrs-include=user.*', '--xattrs-include=system.posix_acl_*',
]
