/** What the file system says of files that the user named, in words. */
export const FILE_SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  EROFS: 'the file system is read-only',
  ENXIO: 'nobody reads the other end',
  EPIPE: 'whoever read the other end has gone',
  EIO: 'input/output error',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  ETXTBSY: 'a program of that name is running',
};

/** Why a file cannot be read or written. */
export function fileReason(error: unknown): string {
  return FILE_SENTENCES[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message;
}
