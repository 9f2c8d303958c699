use super::*;

/// Queues and a clock that only a test moves.
struct World {
    queues: Queues,
    now: Timestamp,
}

/// A queue `debits` that hides what it gives for 60 s and gives it twice, and its dead-letter
/// queue.
fn world() -> World {
    let mut world = World { queues: Queues::default(), now: Timestamp::UNIX_EPOCH };
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:local:0:dead","maxReceiveCount":2}"#;
    world.create("dead", &[]);
    world.create("debits", &[("VisibilityTimeout", "60"), ("RedrivePolicy", policy)]);
    world
}

impl World {
    fn create(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let settings = Settings::default().with(&texts(attributes)).unwrap();
        self.queues.create(name.to_owned(), settings).unwrap();
    }

    fn send(&mut self, body: &str, delay_s: Option<u32>) {
        let body = body.to_owned();
        let message = NewMessage { body, delay_s, ..NewMessage::default() };
        self.queues.send("debits", message, self.now).unwrap();
    }

    fn receive(&mut self, queue: &str) -> Vec<Message> {
        self.queues.receive(queue, 10, None, self.now).unwrap()
    }

    fn bodies(&mut self, queue: &str) -> Vec<String> {
        let messages = self.receive(queue);
        messages.into_iter().map(|message| message.body).collect()
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn debits(&mut self) -> &mut Queue {
        self.queues.queue_mut("debits").unwrap()
    }
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn messages_come_in_the_order_in_which_they_were_sent() {
    let mut world = world();
    world.send("one", None);
    world.send("two", None);
    assert_eq!(world.bodies("debits"), ["one", "two"]);
}

#[test]
fn received_message_is_hidden_to_the_second() {
    let mut world = world();
    world.send("one", None);
    world.receive("debits");
    world.pass(59);
    assert!(world.receive("debits").is_empty());
    world.pass(1);
    assert_eq!(world.receive("debits")[0].receives, 2);
}

#[test]
fn delayed_message_waits() {
    let mut world = world();
    world.send("one", Some(10));
    world.pass(9);
    assert!(world.receive("debits").is_empty());
    world.pass(1);
    assert_eq!(world.bodies("debits"), ["one"]);
}

#[test]
fn message_received_too_often_moves_to_the_dead_letter_queue() {
    let mut world = world();
    world.send("poison", None);
    for _ in 0..2 {
        assert_eq!(world.bodies("debits"), ["poison"]);
        world.pass(60);
    }
    assert!(world.receive("debits").is_empty());
    assert_eq!(world.bodies("dead"), ["poison"]);
}

#[test]
fn without_its_dead_letter_queue_a_message_stays() {
    let mut world = world();
    world.send("poison", None);
    world.queues.remove("dead").unwrap();
    for _ in 0..4 {
        assert_eq!(world.bodies("debits"), ["poison"]);
        world.pass(60);
    }
}

#[test]
fn outdated_receipt_deletes_nothing() {
    let mut world = world();
    world.send("one", None);
    let outdated = world.receive("debits")[0].receipt();
    world.pass(60);
    let current = world.receive("debits")[0].receipt();
    world.debits().delete(&outdated).unwrap();
    assert_eq!(world.debits().messages.len(), 1);
    world.debits().delete(&current).unwrap();
    assert!(world.debits().messages.is_empty());
}

#[test]
fn text_that_was_never_a_receipt_is_refused() {
    let refused = world().debits().delete("debits");
    assert_eq!(refused, Err(QueueError::ReceiptHandleIsInvalid("debits".to_owned())));
}

#[test]
fn message_shown_again_is_no_longer_in_flight() {
    let mut world = world();
    world.send("one", None);
    let receipt = world.receive("debits")[0].receipt();
    let now = world.now;
    world.debits().hide(&receipt, 0, now).unwrap();
    assert_eq!(world.debits().hide(&receipt, 5, now), Err(QueueError::MessageNotInflight(receipt)));
    assert_eq!(world.bodies("debits"), ["one"]);
}

#[test]
fn message_older_than_the_retention_is_gone() {
    let mut world = world();
    world.send("one", None);
    world.pass(345_600);
    assert!(world.receive("debits").is_empty());
}

#[test]
fn counts_tell_what_messages_wait_for() {
    let mut world = world();
    for delay_s in [None, None, Some(5)] {
        world.send("one", delay_s);
    }
    world.queues.receive("debits", 1, None, world.now).unwrap();
    let expected = Counts { visible: 1, in_flight: 1, delayed: 1 };
    let now = world.now;
    assert_eq!(world.debits().counts(now), expected);
}

#[test]
fn attributes_that_are_not_kept_are_refused() {
    for (name, value) in [
        ("FifoQueue", "true"),
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "soon"),
        ("RedrivePolicy", "{}"),
    ] {
        let refused = Settings::default().with(&texts(&[(name, value)]));
        assert!(refused.is_err(), "{name} = {value}");
    }
}

#[test]
fn dead_letter_queue_must_exist() {
    let mut world = world();
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:local:0:none","maxReceiveCount":2}"#;
    let settings = Settings::default().with(&texts(&[("RedrivePolicy", policy)]));
    let refused = world.queues.create("reports".to_owned(), settings.unwrap());
    assert!(refused.is_err());
}

#[test]
fn queue_made_again_with_other_settings_is_refused() {
    let mut world = world();
    world.create("dead", &[]);
    let settings = Settings::default().with(&texts(&[("DelaySeconds", "1")]));
    assert_eq!(
        world.queues.create("dead".to_owned(), settings.unwrap()),
        Err(QueueError::QueueNameExists("dead".to_owned()))
    );
}
