//! Whether contenders do what they are measured at.

use crate::{
    BoxError,
    contenders::Contender,
    content::{Content, FEW, MANY, SMALL},
    measure::{
        stage::Stage,
        visitor::Visitor,
        workload::{Workload, write},
    },
};

impl Stage {
    /// Goes through all routes of a contender.
    ///
    /// # Errors
    ///
    /// If an answer is not the one that all have to give, or a session is not in Redis.
    pub(crate) async fn check(&mut self, contender: Contender) -> Result<(), BoxError> {
        self.redis.clear()?;
        let [nobody, ..] = Workload::ALL;
        let mut visitor = self.visitor(contender, nobody).await?;
        for (method, path, answer) in ROUTES {
            expect(&mut visitor, method, path, answer).await?;
        }
        if !visitor.has_cookies() {
            return Err("no cookie was set".into());
        }
        self.is_stored(SMALL)?;
        let mut other = self.visitor(contender, nobody).await?;
        expect(&mut other, "GET", "/read", "0").await?;
        for content in [FEW, MANY] {
            let mut writer = self.visitor(contender, nobody).await?;
            expect(&mut writer, "POST", &write(content), "written").await?;
            self.is_stored(content)?;
            expect(&mut writer, "GET", "/read", "10000000").await?;
            expect(&mut writer, "POST", "/increment", "10000001").await?;
        }
        expect(&mut visitor, "GET", "/read", "10000002").await
    }

    /// What one request of a workload asks Redis for.
    pub(crate) async fn commands(
        &mut self,
        contender: Contender,
        workload: Workload,
    ) -> Result<Vec<String>, BoxError> {
        let mut visitor = self.visitor(contender, workload).await?;
        let (method, path) = workload.request();
        // The first one may do what the others need not.
        visitor.exchange(&visitor.request(method, &path)).await?;
        let mut listener = self.redis.listen()?;
        visitor.exchange(&visitor.request(method, &path)).await?;
        self.redis.heard(&mut listener)
    }

    fn is_stored(&mut self, content: Content) -> Result<(), BoxError> {
        let names: Vec<_> = content.entries().map(|(name, _)| name).collect();
        match self.redis.holds(&names, content.bytes * 9 / 10)? {
            true => Ok(()),
            false => Err(format!("{content:?} is not in redis").into()),
        }
    }
}

async fn expect(
    visitor: &mut Visitor,
    method: &str,
    path: &str,
    answer: &str,
) -> Result<(), BoxError> {
    let given = visitor.ask(method, path).await?;
    match given == answer {
        true => Ok(()),
        false => Err(format!("{method} {path}: `{given}` in place of `{answer}`").into()),
    }
}

const ROUTES: [(&str, &str, &str); 6] = [
    ("GET", "/untouched", "untouched"),
    ("GET", "/read", "0"),
    ("POST", "/sign-in", "signed in"),
    ("GET", "/read", "10000000"),
    ("POST", "/increment", "10000001"),
    ("POST", "/increment", "10000002"),
];
