//! The client's token in a file, beside a container, which may be replaced at any time.
//!
//! A request with the token that was read within the last second does not read the file. Any other
//! request does: its client may have read a new token. The file is read on a blocking thread, one
//! at a time, because a disk may be slow.

use std::{
    cell::{Cell, RefCell},
    io,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Mutex,
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tracing::{info, warn};

use crate::{
    clock::{Clock, Moment},
    fetch::{
        aws::CurrentToken,
        error::{FetchError, SharedFetchError},
    },
    settings::Token,
};

/// How long a token is accepted without reading the file again, even if it was replaced meanwhile.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Reading a few bytes takes microseconds, or the file system hangs.
const LONGEST_READ: Duration = Duration::from_secs(2);

pub(super) struct TokenFile {
    path: PathBuf,
    /// The variable that names the file.
    variable: &'static str,
    /// Redacts the token in errors.
    credentials: Option<Rc<dyn CurrentToken>>,
    clock: Arc<dyn Clock>,
    known: RefCell<Option<Known>>,
    /// Locked while the file is read, so that other callers wait for the same answer. Holds the
    /// reading itself, which goes on when its caller has hung up.
    reading: Mutex<Option<JoinHandle<io::Result<Token>>>>,
    is_unreadable: Cell<bool>,
}

/// What the file held, and when the reading began.
struct Known {
    since: Moment,
    outcome: Result<Token, SharedFetchError>,
}

impl TokenFile {
    pub(super) fn new(
        path: PathBuf,
        variable: &'static str,
        credentials: Option<Rc<dyn CurrentToken>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (known, reading, is_unreadable) = Default::default();
        Self { path, variable, credentials, clock, known, reading, is_unreadable }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this is the token, as read within the last second.
    pub(super) fn knows(&self, presented: &[u8]) -> bool {
        let known = self.known.borrow();
        let Some(Known { since, outcome: Ok(token) }) = &*known else { return false };
        let age = self.clock.now().age_since(*since);
        age.is_some_and(|age| age < READ_AGAIN_AFTER) && token.is(presented)
    }

    /// Whether this is the token that the file holds now.
    ///
    /// # Errors
    ///
    /// The file is empty, or cannot be read.
    pub(super) async fn admit(&self, presented: &[u8]) -> Result<bool, SharedFetchError> {
        self.look().await;
        match &*self.known.borrow() {
            Some(Known { outcome: Ok(token), .. }) => Ok(token.is(presented)),
            Some(Known { outcome: Err(unreadable), .. }) => Err(Arc::clone(unreadable)),
            None => Ok(false),
        }
    }

    /// Reads the file, unless a reading that began after this call has ended.
    pub(super) async fn look(&self) {
        let asked = self.clock.now();
        let mut reading = self.reading.lock().await;
        let known = self.known.borrow().as_ref().map(|known| known.since.monotonic);
        if known.is_some_and(|since| since > asked.monotonic) {
            return;
        }
        let since = self.clock.now();
        let outcome = timeout(LONGEST_READ, self.read(&mut reading)).await;
        let outcome = outcome.unwrap_or_else(|_elapsed| {
            let millis = LONGEST_READ.as_millis();
            Err(io::Error::other(format!("it took more than {millis} ms")))
        });
        let outcome = match outcome {
            Ok(token) => {
                self.note_readable(&token);
                Ok(token)
            }
            Err(error) => Err(self.unreadable_error(&error)),
        };
        self.known.replace(Some(Known { since, outcome }));
    }

    async fn read(&self, reading: &mut Option<JoinHandle<io::Result<Token>>>) -> io::Result<Token> {
        // A reading that was given up must end first, so that no more than one thread hangs.
        if let Some(given_up) = reading {
            let _ = given_up.await;
        }
        let path = self.path.clone();
        let outcome = reading.insert(spawn_blocking(move || Token::from_file(&path))).await;
        *reading = None;
        outcome.unwrap_or_else(|ended| Err(io::Error::other(ended)))
    }

    fn note_readable(&self, token: &Token) {
        if let Some(credentials) = &self.credentials {
            credentials.keep_secret(token);
        }
        if self.is_unreadable.replace(false) {
            info!(path = %self.path.display(), "the file of the client's token can be read again");
        }
    }

    fn unreadable_error(&self, error: &io::Error) -> SharedFetchError {
        let path = self.path.display();
        if !self.is_unreadable.replace(true) {
            warn!(
                variable = self.variable, %path, %error,
                "no request can be answered, because the file of the client's token cannot be read"
            );
        }
        let reason = format!(
            "no token to compare with, because {path}, which {} names, cannot be read ({error}): it has to \
             hold what clients send as X-Aws-Parameters-Secrets-Token, and to be readable for the extension",
            self.variable
        );
        Arc::new(FetchError::Dispatch { reason })
    }
}
