//! What the images that post a typed value do: strings, integers, booleans and options, and a number of theirs each way.

use miniwire_core::context::Context;
use miniwire_core::data::Data;
use miniwire_core::drive::blocking;
use miniwire_core::request::{Method, Request};
use serde::{Deserialize, Serialize};

use crate::{Buffers, Register, Stack, policy, read, show_failure, write};

#[derive(Serialize)]
struct Reading<'a, N> {
    sensor: &'a str,
    celsius: N,
    uptime: u32,
    alarm: Option<bool>,
}

#[derive(Deserialize)]
struct Order<N> {
    interval: u32,
    heating: bool,
    offset: Option<N>,
}

/// Posts a reading and reads an order, whose numbers are made of 32 bits and back.
pub fn post<N: Serialize + for<'n> Deserialize<'n> + Default>(
    buffers: &mut Buffers,
    of_bits: impl Fn(u32) -> N,
    to_bits: impl Fn(N) -> u32,
) {
    if let Ok(context) = Context::new("2021000000000001", "1.0.0", policy()) {
        let setting = read(Register::Setting);
        let reading = Reading {
            sensor: "boiler",
            celsius: of_bits(setting),
            uptime: setting,
            alarm: (setting > 1).then_some(setting > 2),
        };
        let data = Data::Value(&reading);
        let request = Request::new("http://device.local/readings").method(Method::Post).data(data);
        match blocking::request(&mut Stack, &context, &request, buffers.memory()) {
            Ok(response) => {
                if let Ok(Order { interval, heating, offset }) = response.json(&mut [0; 64]) {
                    write(Register::Result, interval);
                    write(Register::Result, heating.into());
                    write(Register::Result, to_bits(offset.unwrap_or_default()));
                }
            }
            Err(failure) => show_failure(&failure),
        }
    }
}
