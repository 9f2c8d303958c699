//! A short life in which every function runs, without chance: people and sources do the same in
//! it, wherever a process ends.

use jiff::SignedDuration;
use steelyard_billing::Deed;
use steelyard_runtime::Error;

use crate::operators::What;
use crate::world::{PROVIDERS, World};

/// How long the platform runs after people and sources did something.
const A_WHILE: SignedDuration = SignedDuration::from_hours(40);

impl World {
    /// Sources report, providers pay in and are debited, reports are withdrawn, terms change, and
    /// money goes back.
    pub(crate) async fn live_shortly(&mut self) -> Result<(), Error> {
        for provider in PROVIDERS {
            self.ask_for_recharge(provider);
            self.until_idle().await?;
        }
        self.pay_what_waits();
        for is_queued in [false, true] {
            self.report_of_all(is_queued);
            self.until_idle().await?;
        }
        self.go_on_until(self.now() + A_WHILE).await?;
        self.withdraw();
        self.until_idle().await?;
        let [first, second, third] = PROVIDERS;
        self.transfer(first)?;
        self.assign(second)?;
        self.cap(third)?;
        self.pay_deposit(third)?;
        self.until_idle().await?;
        self.act(
            third,
            What::Press(Deed::DrawDeposit { provider: third.parse()?, amount_fen: None }),
        )?;
        self.until_idle().await?;
        for provider in PROVIDERS {
            self.give_back(&[provider]).await?;
            self.until_idle().await?;
        }
        self.report_of_all(true);
        self.go_on_until(self.now() + A_WHILE).await
    }
}
