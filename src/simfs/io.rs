//! Reading, writing and seeking.

use super::File;
use crate::storage::File as _;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

/// What `std::os::unix::fs::FileExt` has: positions instead of the cursor, which stays where it is.
impl File {
    /// Reads from a position; says how many bytes there were.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.readable()?.read_at(offset, buf)
    }

    /// Fills the buffer from a position; `UnexpectedEof` where there is less.
    pub fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        match self.read_at(buf, offset)? == buf.len() {
            true => Ok(()),
            false => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Writes at a position; beyond the end it leaves a hole, which reads as zeros.
    pub fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.write_from(offset, buf).map(|_| buf.len())
    }

    /// Writes all at a position, which is what [`File::write_at`] does too.
    pub fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.write_at(buf, offset).map(drop)
    }
}

impl Read for &File {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut cursor = self.cursor();
        let read = self.read_at(buf, *cursor)?;
        *cursor += read as u64;
        Ok(read)
    }
}

impl Write for &File {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut cursor = self.cursor();
        *cursor = self.write_from(*cursor, buf)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &File {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        let mut cursor = self.cursor();
        let to = match pos {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => cursor.checked_add_signed(by),
            SeekFrom::End(by) => self.size()?.checked_add_signed(by),
        };
        let to = to.filter(|to| i64::try_from(*to).is_ok());
        *cursor =
            to.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "no file has that position"))?;
        Ok(*cursor)
    }
}

impl Read for File {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl Write for File {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        (&*self).seek(pos)
    }
}
