//! my.request: POST of a typed value, the answer read into another, over the blocking loop.
#![no_std]
#![no_main]

use firmware::{Buffers, Register, Stack};
use miniwire_core::context::Context;
use miniwire_core::data::Data;
use miniwire_core::drive::blocking;
use miniwire_core::request::{Method, Request};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Reading<'a> {
    sensor: &'a str,
    celsius: i32,
    uptime: u32,
    alarm: Option<bool>,
}

#[derive(Deserialize)]
struct Order {
    interval: u32,
    heating: bool,
    offset: Option<i32>,
}

#[inline(never)]
fn call(buffers: &mut Buffers) {
    if let Ok(context) = Context::new("2021000000000001", "1.0.0", firmware::policy()) {
        let setting = firmware::read(Register::Setting);
        let reading = Reading {
            sensor: "boiler",
            celsius: setting.cast_signed(),
            uptime: setting,
            alarm: (setting > 1).then_some(setting > 2),
        };
        let data = Data::Value(&reading);
        let request = Request::new("http://device.local/readings").method(Method::Post).data(data);
        match blocking::request(&mut Stack, &context, &request, buffers.memory()) {
            Ok(response) => {
                if let Ok(Order { interval, heating, offset }) = response.json(&mut [0; 64]) {
                    firmware::write(Register::Result, interval);
                    firmware::write(Register::Result, heating.into());
                    firmware::write(Register::Result, offset.unwrap_or_default().cast_unsigned());
                }
            }
            Err(failure) => firmware::show_failure(&failure),
        }
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new());
    firmware::halt()
}
