//! The disk that is a folder of the operating system.
//!
//! A writer holds the folder's lock for as long as the disk lives; a reader takes no lock and creates nothing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::disk::{CHUNK_BYTES, Disk, failed};
use crate::error::LogError;

const LOCK_FILE: &str = "lock";
const UNFINISHED_SUFFIX: &str = ".new";

/// Handles kept open for writing: the header ring and the segment in use.
const HANDLES_MAX: usize = 2;

/// A folder, locked when opened for writing.
#[derive(Debug)]
pub struct FolderDisk {
    folder: PathBuf,
    // Held for its lock, which the operating system releases when the handle closes.
    _lock: Option<File>,
    handles: Vec<(String, File)>,
}

impl FolderDisk {
    /// Opens a folder for one writer, creating it when it does not exist.
    ///
    /// # Errors
    /// Another writer holds the lock, or the operating system refuses.
    pub fn open(folder: &Path) -> Result<FolderDisk, LogError> {
        let shown = folder.display().to_string();
        if !is_there(folder) {
            create_folders(folder).map_err(failed("create folder", &shown))?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(LOCK_FILE))
            .map_err(failed("open", LOCK_FILE))?;
        match lock.try_lock() {
            Ok(()) => Ok(FolderDisk { folder: folder.to_owned(), _lock: Some(lock), handles: Vec::new() }),
            Err(TryLockError::WouldBlock) => Err(LogError::Locked { folder: shown }),
            Err(TryLockError::Error(source)) => Err(failed("lock", LOCK_FILE)(source)),
        }
    }

    /// Opens a folder for reading, beside a writer if there is one.
    #[must_use]
    pub fn open_read_only(folder: &Path) -> FolderDisk {
        FolderDisk { folder: folder.to_owned(), _lock: None, handles: Vec::new() }
    }

    /// Finds or opens the handle to write a file through; the one used longest ago makes room.
    fn handle(&mut self, name: &str) -> io::Result<&File> {
        let (name, file) = match self.handles.iter().position(|(known, _)| known == name) {
            Some(index) => self.handles.remove(index),
            None => (name.to_owned(), OpenOptions::new().write(true).open(self.folder.join(name))?),
        };
        if self.handles.len() == HANDLES_MAX {
            self.handles.remove(0);
        }
        self.handles.push((name, file));
        self.handles.last().map(|(_, file)| file).ok_or_else(|| io::Error::other("no handle"))
    }
}

impl Disk for FolderDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            // The log's own names are ASCII, so any other name is not of the log.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    fn create_zeroed(&mut self, name: &str, length: u64) -> io::Result<()> {
        let unfinished = self.folder.join(format!("{name}{UNFINISHED_SUFFIX}"));
        let mut file = File::create(&unfinished)?;
        let zeros = vec![0; CHUNK_BYTES];
        let mut remaining = length;
        while remaining > 0 {
            let size = usize::try_from(remaining).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            file.write_all(&zeros[..size])?;
            remaining -= size as u64;
        }
        file.sync_all()?;
        fs::rename(&unfinished, self.folder.join(name))?;
        sync_folder(&self.folder)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        fs::metadata(self.folder.join(name)).map(|metadata| metadata.len())
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        File::open(self.folder.join(name))?.read_exact_at(buffer, offset)
    }

    fn write_durable_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.handle(name)?;
        file.write_all_at(bytes, offset)?;
        file.sync_data()
    }
}

/// Creates a folder and those above it that are missing, each durable in the one above before the next is created.
fn create_folders(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !is_there(folder)).collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => created?,
        }
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        sync_folder(above.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// The empty path stands for the folder that the process is in.
fn is_there(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.is_dir()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
