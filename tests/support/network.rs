//! Machines of a small network, each a network namespace (ip-netns(8)): the first is
//! a bridge, to which the others are plugged.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network; it is gone when this is dropped, also by a test that fails.
#[derive(Debug)]
pub struct Network {
    machines: Vec<String>,
}

impl Network {
    /// So many machines beside the first one.
    ///
    /// # Panics
    /// When the system refuses: ask `skip::has_networks` before.
    #[must_use]
    pub fn new(others: usize) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gateway-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        // What exists already is deleted even if the rest fails.
        let mut network = Self { machines: Vec::new() };
        for number in 0..=others {
            let machine = format!("{name}-{number}");
            ip(&format!("netns add {machine}"));
            network.machines.push(machine.clone());
            ip(&format!("-n {machine} link set lo up"));
            if number == 0 {
                ip(&format!("-n {machine} link add wire type bridge"));
                network.plug(0, "wire");
            } else {
                let first = &network.machines[0];
                ip(&format!("-n {machine} link add wire type veth peer name plug{number} netns {first}"));
                ip(&format!("-n {first} link set plug{number} master wire up"));
                network.plug(number, "wire");
            }
        }
        network
    }

    fn plug(&self, number: usize, link: &str) {
        let machine = &self.machines[number];
        ip(&format!("-n {machine} address add {}/24 dev {link}", Self::address(number)));
        ip(&format!("-n {machine} link set {link} up"));
    }

    /// The address of a machine.
    #[must_use]
    pub fn address(number: usize) -> String {
        format!("10.0.0.{}", 1 + number)
    }

    /// Does something on a machine: what is connected, bound or started there, also
    /// by other threads that this one starts, is so on that machine.
    ///
    /// # Panics
    /// As `work` does.
    pub fn on<T: Send>(&self, number: usize, work: impl FnOnce() -> T + Send) -> T {
        let place = format!("/run/netns/{}", self.machines[number]);
        let enter = move || {
            let namespace = File::open(place).expect("the machine is there");
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).expect("a thread may move");
            work()
        };
        std::thread::scope(|scope| scope.spawn(enter).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for machine in &self.machines {
            let _ = Command::new("ip").args(["netns", "delete", machine]).status();
        }
    }
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("ip can be run");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}
