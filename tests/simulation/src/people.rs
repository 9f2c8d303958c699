//! People: payers at Alipay, and operators.

use jiff::SignedDuration;
use serde_json::json;
use steelyard_offers::RECHARGES_PATH;
use steelyard_tests::keyed;

use crate::machines::Which;
use crate::world::{PROVIDERS, World};

impl World {
    /// A person does something.
    pub(crate) async fn people_act(&mut self) {
        let provider = self.chaos.pick(&PROVIDERS);
        match self.chaos.draw(0..8) {
            0..=2 => self.fund(provider),
            3 => self.ask_for_recharge(provider),
            4 | 5 => self.pay_what_waits(),
            6 => self.transfer(provider).await,
            _ => self.reverse(),
        }
    }

    /// A provider asks for a recharge that is paid by a code.
    fn ask_for_recharge(&mut self, provider: &str) {
        self.references += 1;
        let yuan = self.chaos.pick(&["0.01", "25.00", "400.00"]);
        let asked = json!({ "provider": provider, "amount": yuan, "way": "code" });
        let event = keyed(RECHARGES_PATH, &asked, &format!("key-{}", self.references));
        let machines = self.machines.clone();
        self.run(async move {
            // A person who sees no code asks again another time.
            let _answer = machines.invoke(Which::Offers, event).await;
            Ok(())
        });
    }

    /// A person scans a code and pays.
    fn pay_what_waits(&self) {
        let alipay = &self.platform.stack.alipay;
        let trades = alipay.trades().expect("it keeps books");
        let waiting: Vec<_> = trades
            .iter()
            .filter(|trade| trade.agreement_no.is_none() && trade.taken_at.is_none())
            .collect();
        if waiting.is_empty() {
            return;
        }
        let trade = self.chaos.pick(&waiting);
        alipay.set_funds("person", steelyard_tests::fen(10_000_000)).expect("it keeps books");
        let paid = alipay.pay_trade(&trade.out_trade_no, "person", self.now());
        let said = paid.map_or_else(|refused| refused.to_string(), |()| "paid".to_owned());
        self.chaos.note(format_args!("a person pays {}: {said}", trade.out_trade_no));
    }

    /// A provider pays by a bank transfer, which an operator books.
    async fn transfer(&mut self, provider: &str) {
        self.references += 1;
        let fen = self.chaos.pick(&[1, 5_000, 30_000]);
        self.chaos.note(format_args!("{provider} transfers {fen} fen"));
        self.platform.recharge(provider, fen, &format!("bank-{}", self.references)).await;
    }

    /// Alipay gives money of a trade back without the merchant's asking.
    fn reverse(&self) {
        if !self.chaos.one_in(4) {
            return;
        }
        let alipay = &self.platform.stack.alipay;
        let trades = alipay.trades().expect("it keeps books");
        let since = self.now() - SignedDuration::from_hours(72);
        let paid: Vec<_> =
            trades.iter().filter(|trade| trade.taken_at.is_some_and(|at| at > since)).collect();
        if paid.is_empty() {
            return;
        }
        let trade = self.chaos.pick(&paid);
        let back = alipay.reverse_trade(&trade.out_trade_no, trade.amount_fen, self.now());
        let said = back.map_or_else(|refused| refused.to_string(), |()| "back".to_owned());
        self.chaos.note(format_args!("money of {} goes back: {said}", trade.out_trade_no));
    }
}
