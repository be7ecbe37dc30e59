//! How much of Redis a session takes.

use crate::{
    BoxError,
    contenders::Contender,
    content::{FEW, MANY},
    measure::{
        redis::Size,
        stage::Stage,
        workload::{Workload, write},
    },
};

impl Stage {
    /// All that Redis holds for one visitor: after a sign-in, with 16 KB in many keys,
    /// and with 16 KB in few.
    pub(crate) async fn sizes(&mut self, contender: Contender) -> Result<[Size; 3], BoxError> {
        let [nobody, ..] = Workload::ALL;
        let mut sizes = [Size::default(); 3];
        let paths = ["/sign-in".to_owned(), write(MANY), write(FEW)];
        for (size, path) in sizes.iter_mut().zip(paths) {
            self.redis.clear()?;
            let mut visitor = self.visitor(contender, nobody).await?;
            visitor.ask("POST", &path).await?;
            *size = self.redis.size()?;
        }
        Ok(sizes)
    }
}
