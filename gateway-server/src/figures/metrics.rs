//! A reading for Prometheus: OpenMetrics text, or the older one for who asks for that.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::json::CLASSES;
use super::reading::{Reading, seconds};
use crate::stats::{BUCKETS, Fault, Histogram, Restart, Standing, bound};

/// What OpenMetrics is called.
pub(super) const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What the older text is called.
pub(super) const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All figures as OpenMetrics.
///
/// # Errors
/// None that is known: text can be written to memory.
pub(super) fn open(reading: &Reading) -> Result<String, Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Figures(reading.clone())));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// The same as the older text, whose counters are named as they are written, and which
/// knows no units and no end.
pub(super) fn plain(open: &str) -> String {
    let mut text = String::new();
    let mut lines = open.lines().filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF").peekable();
    while let Some(line) = lines.next() {
        let counts = |line: &str| line.starts_with("# TYPE ") && line.ends_with(" counter");
        let named = counts(line) || line.starts_with("# HELP ") && lines.peek().is_some_and(|next| counts(next));
        match line[2.min(line.len())..].split_once(' ').and_then(|(word, rest)| Some((word, rest.split_once(' ')?))) {
            Some((word, (name, rest))) if named => text += &format!("# {word} {name}_total {rest}\n"),
            _ => text += &format!("{line}\n"),
        }
    }
    text
}

#[derive(Debug)]
struct Figures(Reading);

type Labels<'a> = &'a [(&'a str, String)];

impl Collector for Figures {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), Error> {
        let Self(reading) = self;
        self.traffic(&mut to)?;
        self.faults(&mut to)?;
        self.workers(&mut to)?;
        let version = [("version", env!("CARGO_PKG_VERSION").to_owned()), ("engine", reading.engine.to_owned())];
        let build = [(&version[..], 1)];
        gauges(&mut to, "gateway_build_info", "What serves, in labels; always 1.", None, &build)?;
        let start = reading.time as f64 - seconds(reading.age);
        gauge(
            &mut to,
            "process_start_time",
            "When the master began, in seconds since 1970.",
            Some(&Unit::Seconds),
            start,
        )
    }
}

impl Figures {
    fn traffic(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let Self(reading) = self;
        let classes = CLASSES.map(|class| [("class", class.to_owned())]);
        let classes: Vec<(Labels<'_>, u64)> =
            classes.iter().zip(reading.totals.statuses).map(|(labels, count)| (&labels[..], count)).collect();
        counters(to, "gateway_requests", "Answers, by class of status.", &classes)?;
        counter(to, "gateway_response_bytes", "Bytes of content that was answered.", reading.totals.bytes)?;
        let (name, help) = ("gateway_request_duration", "From a complete request to the end of its answer.");
        histogram(to, name, help, &reading.totals.latency)?;
        let (name, help) = ("gateway_queue_wait", "From a complete request to the call of the app.");
        histogram(to, name, help, &reading.totals.queued)?;
        let sum = |of: fn(&crate::stats::Worker) -> u64| reading.sum(of);
        gauge(to, "gateway_in_flight_requests", "Requests whose answer is not over.", None, sum(|it| it.in_flight))?;
        gauge(to, "gateway_queued_requests", "Requests that wait for a thread.", None, sum(|it| it.queued))?;
        gauge(
            to,
            "gateway_late_calls",
            "Calls that run on after their client got 504.",
            None,
            sum(|it| it.late_calls),
        )?;
        gauge(to, "gateway_connections", "Clients that are connected.", None, sum(|it| it.connections))?;
        counter(to, "gateway_connections_accepted", "Clients that were ever taken.", reading.accepted)?;
        let Some((busy, idle)) = reading.threads() else { return Ok(()) };
        let labels = ["busy", "idle"].map(|state| [("state", state.to_owned())]);
        let help = "Threads in the app, and those that could be.";
        gauges(to, "gateway_threads", help, None, &[(&labels[0], busy), (&labels[1], idle)])
    }

    fn faults(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let Self(reading) = self;
        let help = "Clients that were turned away because something ran out.";
        counter(to, "gateway_sheds", help, reading.fault(Fault::Shed))?;
        let help = "Calls that took longer than --request-timeout: 504.";
        counter(to, "gateway_timeouts", help, reading.fault(Fault::Overdue))?;
        let is_refusal = |fault: &Fault| matches!(fault, Fault::Refused(_));
        let labelled = |refusals: bool, name: &'static str| {
            let some = reading.faults.iter().filter(move |(fault, _)| is_refusal(fault) == refusals);
            some.map(move |(fault, count)| ([(name, fault.name())], *count)).collect::<Vec<_>>()
        };
        let help = "Requests that were answered without the app, because of what they are.";
        counters(to, "gateway_refusals", help, &views(&labelled(true, "reason")))?;
        counters(to, "gateway_faults", "What else went wrong.", &views(&labelled(false, "kind")))
    }

    fn workers(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let Self(reading) = self;
        let states = Standing::ALL.map(|state| ([("state", state.name().to_owned())], reading.standing(state)));
        gauges(to, "gateway_workers", "Workers, by where they stand.", None, &views(&states))?;
        gauge(to, "gateway_workers_wanted", "How many workers there are to be.", None, reading.deeds.wanted)?;
        let of = |member: &super::reading::Member| {
            ([("worker", member.worker.number.to_string()), ("pid", member.worker.process.to_string())], member.memory)
        };
        let memory: Vec<_> = reading.workers.iter().map(of).collect();
        let help = "Memory that a worker holds (RSS).";
        gauges(to, "gateway_worker_resident_memory", help, Some(&Unit::Bytes), &views(&memory))?;
        let restarts =
            Restart::ALL.map(|why| ([("reason", why.name().to_owned())], reading.deeds.restarts[why as usize]));
        let help = "Workers that were replaced though nobody had asked.";
        counters(to, "gateway_worker_restarts", help, &views(&restarts))?;
        let reloads = ["ok", "failed"].map(|outcome| [("outcome", outcome.to_owned())]);
        let [ok, failed] = reading.deeds.reloads;
        counters(to, "gateway_reloads", "Reloads.", &[(&reloads[0], ok), (&reloads[1], failed)])?;
        let help = "Upgrades after which this program served on.";
        counter(to, "gateway_failed_upgrades", help, reading.deeds.failed_upgrades)
    }
}

fn views<'a, const N: usize>(list: &'a [([(&'a str, String); N], u64)]) -> Vec<(Labels<'a>, u64)> {
    list.iter().map(|(labels, value)| (&labels[..], *value)).collect()
}

fn counter(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> Result<(), Error> {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    metric.encode_counter::<NoLabelSet, _, f64>(&value, None)
}

fn counters(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, values: &[(Labels<'_>, u64)]) -> Result<(), Error> {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        metric.encode_family(labels)?.encode_counter::<NoLabelSet, _, f64>(value, None)?;
    }
    Ok(())
}

fn gauge(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: impl EncodeGaugeValue,
) -> Result<(), Error> {
    to.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(&value)
}

fn gauges(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    values: &[(Labels<'_>, u64)],
) -> Result<(), Error> {
    let mut metric = to.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for (labels, value) in values {
        metric.encode_family(labels)?.encode_gauge(value)?;
    }
    Ok(())
}

fn histogram(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, all: &Histogram) -> Result<(), Error> {
    let mut metric = to.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(seconds(all.sum), all.count(), &buckets(all), None)
}

/// The first end that is told, in nanoseconds: 16 us.
const SHORTEST: u64 = 1 << 14;
/// The last: 34 s.
const LONGEST: u64 = 1 << 35;

/// The counts between powers of two, which are ends of our own buckets too, so that
/// nothing is guessed; each with its end in seconds.
fn buckets(all: &Histogram) -> Vec<(f64, u64)> {
    let (mut buckets, mut count) = (Vec::new(), 0);
    for place in 0..BUCKETS {
        count += all.counts[place];
        let end = bound(place).filter(|end| end.is_power_of_two() && (SHORTEST..=LONGEST).contains(end));
        if let Some(end) = end {
            buckets.push((seconds(end), std::mem::take(&mut count)));
        }
    }
    // It stands for all that is longer.
    buckets.push((f64::INFINITY, count));
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_duration_is_lost_between_buckets() {
        let mut all = Histogram::default();
        all.counts.iter_mut().zip(1..).for_each(|(count, value)| *count = value);
        let told = buckets(&all);
        assert_eq!(told.iter().map(|(_, count)| count).sum::<u64>(), all.count());
        assert_eq!((told[0].0, told[told.len() - 2].0), (0.000_016_384, 34.359_738_368));
        assert!(told.is_sorted_by(|one, next| one.0 < next.0), "{told:?}");
    }

    #[test]
    fn the_older_text_names_counters_in_full() {
        let open = "# HELP a Some.\n# TYPE a counter\na_total{b=\"c d\"} 1\n# HELP e Else.\n# TYPE e gauge\n# UNIT e x\ne 2\n# EOF\n";
        let expected =
            "# HELP a_total Some.\n# TYPE a_total counter\na_total{b=\"c d\"} 1\n# HELP e Else.\n# TYPE e gauge\ne 2\n";
        assert_eq!(plain(open), expected);
    }
}
