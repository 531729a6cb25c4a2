//! The six endings of the on-call story.

use std::time::{Duration, Instant};

use serde::Serialize;
use stratus_event::Fault;

use super::{phones::Text, stage::Stage};

/// How long the class waits for an answer where the story does not need it to give up.
const PATIENCE_S: u64 = 60;
/// How long it waits where it does.
const SHORT_PATIENCE_S: u64 = 2;
/// How many students ask at the same moment where there is nobody to ask.
const CROWD: usize = 12;
/// "At once" means long before the class's patience is over.
const AT_ONCE: Duration = Duration::from_secs(20);
/// Texts that should not come have this long to come all the same.
const SILENCE: Duration = Duration::from_millis(300);

/// One way in which the story can end. They are played in this order: those who unsubscribe do not
/// come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ending {
    /// One assistant is on call and answers; the student is told who comes.
    Helped,
    /// Two are on call and both answer; one claims, the other is told so.
    FirstWins,
    /// Nobody is on call; every assistant's PEN declines, and the student is told at once.
    NobodyOnCall,
    /// An assistant on call does not answer in time; the student is told so.
    NoAnswer,
    /// An assistant has unsubscribed; she hears nothing.
    Unsubscribed,
    /// There are no subscribers at all; the student is told at once.
    NoSubscribers,
}

impl Ending {
    /// All, in the order in which they are played.
    pub(crate) const ALL: [Self; 6] = [
        Self::Helped,
        Self::FirstWins,
        Self::NobodyOnCall,
        Self::NoAnswer,
        Self::Unsubscribed,
        Self::NoSubscribers,
    ];

    /// What happens, for the programme.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Helped => "one assistant is on call and answers",
            Self::FirstWins => "two are on call and both answer: the first wins",
            Self::NobodyOnCall => "nobody is on call: the student is told at once",
            Self::NoAnswer => "the one on call does not answer in time",
            Self::Unsubscribed => "an assistant who has unsubscribed hears nothing",
            Self::NoSubscribers => "there is nobody to ask: the student is told at once",
        }
    }

    /// Plays it, and checks it.
    pub(crate) async fn play(self, stage: &Stage) -> Result<Played, Fault> {
        let begun = Instant::now();
        let scene = Scene {
            stage,
            first: stage.phones.texts().len(),
            student: format!("+1801777000{}", self as u8),
            message: format!("CS 462, question {}", self as u8 + 1),
        };
        let result = match self {
            Self::Helped => scene.helped().await?,
            Self::FirstWins => scene.first_wins().await?,
            Self::NobodyOnCall => scene.nobody_on_call().await?,
            Self::NoAnswer => scene.no_answer().await?,
            Self::Unsubscribed => scene.unsubscribed().await?,
            Self::NoSubscribers => scene.no_subscribers().await?,
        };
        let took = begun.elapsed();
        Ok(Played {
            ending: self,
            seen: result.is_ok(),
            why_not: result.as_ref().err().cloned(),
            student_told: result.ok(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// What was seen of an ending.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Played {
    /// Which.
    pub(crate) ending: Ending,
    /// Whether it came as it should.
    pub(crate) seen: bool,
    /// What was wrong, if it did not.
    pub(crate) why_not: Option<String>,
    /// The text that the student got.
    pub(crate) student_told: Option<String>,
    /// How long it took.
    pub(crate) took_ms: u64,
}

/// The text that the student got, or what was wrong.
type Checked = Result<Result<String, String>, Fault>;

/// One ending being played.
struct Scene<'a> {
    stage: &'a Stage,
    /// How many texts there were before.
    first: usize,
    student: String,
    message: String,
}

impl Scene<'_> {
    async fn helped(&self) -> Checked {
        self.prepare(&["Anna"], PATIENCE_S).await?;
        let Some(text) = self.text_to("Anna").await else {
            return Ok(Err(silent("Anna")));
        };
        self.reply("Anna", &text).await?;
        self.ends_with(
            &["Anna is on call"],
            &[("Anna", 1), ("Ben", 0), ("Cleo", 0)],
        )
        .await
    }

    async fn first_wins(&self) -> Checked {
        self.prepare(&["Anna", "Ben"], PATIENCE_S).await?;
        let (anna, ben) = tokio::join!(self.text_to("Anna"), self.text_to("Ben"));
        let (Some(anna), Some(ben)) = (anna, ben) else {
            return Ok(Err(silent("Anna or Ben")));
        };
        tokio::try_join!(self.reply("Anna", &anna), self.reply("Ben", &ben))?;
        let Some(told) = self.student_told().await else {
            return Ok(Err(silent("the student")));
        };
        let late = if told.starts_with("Anna") {
            "Ben"
        } else {
            "Anna"
        };
        let number = self.phone(late);
        let notice = self
            .stage
            .text_to(&number, self.first, |text| text.body.contains("faster"));
        if notice.await.is_none() {
            return Ok(Err(format!("{late} was not told that somebody was faster")));
        }
        let texts = [
            ("Anna", 1 + usize::from(late == "Anna")),
            ("Ben", 1 + usize::from(late == "Ben")),
            ("Cleo", 0),
        ];
        self.ends_with(&["Anna is on call", "Ben is on call"], &texts)
            .await
    }

    async fn nobody_on_call(&self) -> Checked {
        self.prepare(&[], PATIENCE_S).await?;
        self.ends_at_once("Nobody is on call").await
    }

    async fn no_answer(&self) -> Checked {
        self.prepare(&["Cleo"], SHORT_PATIENCE_S).await?;
        if self.text_to("Cleo").await.is_none() {
            return Ok(Err(silent("Cleo")));
        }
        self.ends_with(
            &["Nobody answered in time"],
            &[("Anna", 0), ("Ben", 0), ("Cleo", 1)],
        )
        .await
    }

    async fn unsubscribed(&self) -> Checked {
        self.stage.unsubscribe("Cleo").await?;
        self.prepare(&["Cleo"], PATIENCE_S).await?;
        self.ends_at_once("Nobody is on call").await
    }

    /// Nobody is left to ask, and a whole class asks at the same moment.
    async fn no_subscribers(&self) -> Checked {
        for name in ["Anna", "Ben", "Cleo"] {
            self.stage.unsubscribe(name).await?;
        }
        self.wait_until_alone().await?;
        let crowd: Vec<String> = (0..CROWD).map(|n| format!("+180177800{n:02}")).collect();
        let asks = crowd
            .iter()
            .map(|student| self.stage.ask(student, &self.message));
        let prepared = self.prepare(&["Anna", "Ben", "Cleo"], PATIENCE_S);
        tokio::try_join!(prepared, futures::future::try_join_all(asks))?;
        let ending = "No teaching assistant can be asked";
        for student in &crowd {
            let told = self
                .stage
                .text_to(student, self.first, |text| text.body.starts_with(ending));
            if told.await.is_none() {
                return Ok(Err(silent(student)));
            }
        }
        let ended = self.ends_at_once(ending).await?;
        let twice = crowd
            .iter()
            .find(|student| self.texts_to(student).len() != 1);
        Ok(match twice {
            Some(student) => Err(format!("{student} got {:?}", self.texts_to(student))),
            None => ended,
        })
    }

    /// Calendars, the class's patience, and the student's question.
    async fn prepare(&self, on_call: &[&str], patience_s: u64) -> Result<(), Fault> {
        self.stage.put_on_call(on_call).await?;
        self.stage.be_patient(patience_s).await?;
        self.stage.ask(&self.student, &self.message).await
    }

    /// The class has heard that nobody is subscribed any more.
    async fn wait_until_alone(&self) -> Result<(), Fault> {
        let end = Instant::now() + AT_ONCE;
        while Instant::now() < end {
            let pen: stratus_api::shape::Pen = self.stage.class.read("pen").await?;
            if pen
                .subscriptions
                .iter()
                .all(|subscription| subscription.state == "ended")
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn ends_at_once(&self, start: &str) -> Checked {
        let begun = Instant::now();
        let ended = self
            .ends_with(&[start], &[("Anna", 0), ("Ben", 0), ("Cleo", 0)])
            .await?;
        Ok(match ended {
            Ok(_) if begun.elapsed() > AT_ONCE => Err(format!(
                "the student was told only after {:?}",
                begun.elapsed()
            )),
            ended => ended,
        })
    }

    /// The student gets exactly one text, which begins with one of these, and each assistant gets
    /// exactly so many.
    async fn ends_with(&self, starts: &[&str], assistants: &[(&str, usize)]) -> Checked {
        let Some(told) = self.student_told().await else {
            return Ok(Err(silent("the student")));
        };
        if !starts.iter().any(|start| told.starts_with(start)) {
            return Ok(Err(format!("the student was told: {told}")));
        }
        tokio::time::sleep(SILENCE).await;
        let mut expected = vec![("the student", self.student.clone(), 1)];
        expected.extend(
            assistants
                .iter()
                .map(|(name, count)| (*name, self.phone(name), *count)),
        );
        for (who, number, count) in expected {
            let texts = self.texts_to(&number);
            if texts.len() != count {
                return Ok(Err(format!(
                    "{who} got {} texts, not {count}: {texts:?}",
                    texts.len()
                )));
            }
        }
        Ok(Ok(told))
    }

    async fn student_told(&self) -> Option<String> {
        let text = self
            .stage
            .text_to(&self.student, self.first, |_| true)
            .await;
        text.map(|text| text.body)
    }

    async fn text_to(&self, name: &str) -> Option<Text> {
        let number = self.phone(name);
        let asks = |text: &Text| text.body.contains(&self.message) && text.body.contains("Reply ");
        self.stage.text_to(&number, self.first, asks).await
    }

    async fn reply(&self, name: &str, text: &Text) -> Result<(), Fault> {
        match self.stage.assistants.iter().find(|ta| ta.name == name) {
            Some(ta) => ta.reply_to(text).await,
            None => Ok(()),
        }
    }

    fn phone(&self, name: &str) -> String {
        let ta = self.stage.assistants.iter().find(|ta| ta.name == name);
        ta.map(|ta| ta.phone.clone()).unwrap_or_default()
    }

    fn texts_to(&self, number: &str) -> Vec<String> {
        let texts = self.stage.phones.texts().into_iter().skip(self.first);
        texts
            .filter(|text| text.to == number)
            .map(|text| text.body)
            .collect()
    }
}

fn silent(who: &str) -> String {
    format!("{who} got no text")
}
