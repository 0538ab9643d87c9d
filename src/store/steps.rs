//! Steps of many writers in transactions that they share.

use redb::WriteTransaction;

use super::database::ROWS;
use super::error::StoreError;
use super::group::Turn;
use super::guard::{guarded, lock};
use super::state::Inner;
use super::writer::Writer;
use crate::crypto::SeededRandom;

impl Inner {
    /// Runs one step in the group's transaction, or in a new one.
    pub(super) fn step<T, E: From<StoreError>>(
        &self,
        open: &mut Option<WriteTransaction>,
        rng: SeededRandom,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = match open.take() {
            Some(shared) => shared,
            None => guarded(|| Ok::<_, E>(self.begin_write()?))?,
        };
        let mut lost = Some(StoreError::Damaged {
            what: "database pages",
        });
        let stepped = guarded(|| {
            let table = transaction.open_table(ROWS).map_err(StoreError::from)?;
            let mut writer = Writer::new(
                (&self.tree, &self.dirty, *lock(&self.blocks)),
                table,
                rng,
                false,
            );
            let value = f(&mut writer).inspect_err(|_| lost = None)?;
            let learned = writer
                .finish()
                .inspect_err(|why| lost = Some(why.clone()))?;
            Ok::<_, E>((value, learned))
        });
        match (stepped, lost) {
            (Ok((value, learned)), _) => {
                self.learn(learned);
                self.group.count();
                *open = Some(transaction);
                Ok(value)
            }
            // It refused before anything was sealed, so the transaction is as it was.
            (Err(refused), None) => {
                if self.group.unsynced() {
                    *open = Some(transaction);
                } else {
                    drop(transaction);
                    self.find_out_whether_failed(open);
                }
                Err(refused)
            }
            // Half of a step is in the transaction, which goes, with every step that shared it.
            (Err(error), Some(why)) => {
                drop(transaction);
                self.fail(&why);
                Err(error)
            }
        }
    }

    /// Commits what the group's steps did, unless somebody comes who will.
    pub(super) fn end_turn(&self, open: &mut Option<WriteTransaction>, turn: &Turn<'_>) {
        if open.is_some() && !turn.others_come() {
            let committed = guarded(|| match open.take() {
                Some(transaction) => self.commit(transaction),
                None => Ok(()),
            });
            match committed {
                Ok(()) => self.group.synced(),
                Err(why) => self.fail(&why),
            }
        }
    }
}
