//! The hosts of links that a payment system made. Payers go there, and a payment system that was taken over, or an answer that was
//! changed on its way, must not send them into their own networks.

use domain::{LinkFailure, PaymentLink, Problem};

use crate::call_hosts::CallHost;
use crate::outbound::{Outbound, Unreachable};

/// The code of a link to an address where no payer can pay.
const CODE: &str = "link-unreachable";

/// Returns a link that a call made, unless it leads to an address of this machine, of a local network or of a special network that the
/// options do not allow to call.
pub fn checked(link: PaymentLink, outbound: Option<&dyn Outbound>) -> Result<PaymentLink, LinkFailure> {
    let Some(outbound) = outbound else { return Ok(link) };
    let addresses = [link.url.as_deref(), link.form.as_ref().map(|form| form.action.as_str()), link.qr.as_deref()];
    let wrong = addresses.into_iter().flatten().find_map(|address| Some((address, outbound.unreachable(address)?)));
    match wrong {
        None => Ok(link),
        Some((address, why)) => {
            let host = CallHost::of_url(address).map(|host| host.to_string()).unwrap_or_default();
            Err(LinkFailure::Failed(vec![problem(&host, why)]))
        }
    }
}

fn problem(host: &str, why: Unreachable) -> Problem {
    let (what, in_russian) = match why {
        Unreachable::ThisMachine => ("this machine itself", "сам этот компьютер"),
        Unreachable::LocalNetwork => ("an address of a local network", "адрес локальной сети"),
        Unreachable::Special => ("an address by which nobody is reached", "особый адрес, по которому никого нет"),
    };
    let message = format!(
        "The payment system answered with a link to {host}, which is {what}: no payer is sent there. Check the payment system's address in \
         its settings, and ask it about the answer."
    );
    let in_russian = format!(
        "Платёжная система ответила ссылкой на {host} — это {in_russian}, плательщиков туда не отправляем. Проверьте адрес платёжной \
         системы в её настройках и спросите её об этом ответе."
    );
    Problem { translations: vec![("ru".to_owned(), in_russian)], ..Problem::new(CODE, message) }
}
