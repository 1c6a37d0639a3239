//! A component's description for tests, which say what matters to them.

use domain::{Description, Fields, OrderIdForm};

/// Returns a description without settings, hosts and headers.
pub fn test_description() -> Description {
    Description {
        id: "pay".to_owned(),
        name: "Pay".to_owned(),
        version: "1.0.0".to_owned(),
        settings: Vec::new(),
        currencies: Vec::new(),
        export_formats: Vec::new(),
        links: true,
        order_id: OrderIdForm { chars_max: 64, digits_only: false },
        hosts: Vec::new(),
        headers: Vec::new(),
        extra: Fields::new(),
    }
}
