//! The pictures of docs/PERFORMANCE.md. What an interpreter runs is left out: its
//! bars would leave no room for the others; the tables have it.

use std::path::PathBuf;

use gateway_tests::artifacts::workspace;
use plotters::prelude::*;

use super::median;
use super::peer::Peer;
use super::results::{Described, Results};
use crate::bars::{Bar, Drawn, bars, framed};

const WIDTH: u32 = 860;
const OURS: RGBColor = RGBColor(213, 94, 0);
const LIMIT: RGBColor = RGBColor(150, 150, 150);
const OTHER: RGBColor = RGBColor(0, 114, 178);

/// A title and the values of the peers that have one.
type Panel<'r> = (&'static str, Vec<(&'r Described, f64)>);

/// Draws all pictures.
///
/// # Panics
/// When one cannot be drawn.
pub(crate) fn draw(found: &Results) {
    let counts = |pick: fn(&super::results::Counts) -> f64| {
        values(found, |name| found.instructions.rows.iter().find(|row| row.peer == name).map(pick))
    };
    let memory = values(found, |name| {
        let figure = found.memory.iter().find(|figure| figure.peer == name)?;
        Some(median(&figure.values)? / 1024.0)
    });
    let drawn = picture(
        found,
        "cpu",
        2,
        vec![
            ("CPU for a request, times the raw loop's: 64 connections", ratios(found, "plain64")),
            ("The same, pipelined by 16", ratios(found, "pipelined")),
        ],
    )
    .and_then(|()| {
        picture(
            found,
            "instructions",
            0,
            vec![
                ("Instructions in user space for a request, one at a time", counts(|row| row.one)),
                ("The same, pipelined by 16", counts(|row| row.pipelined)),
            ],
        )
    })
    .and_then(|()| picture(found, "idle", 1, vec![("Memory of an idle connection, in KiB", memory)]));
    drawn.expect("docs/images is writable");
}

fn values(found: &Results, of: impl Fn(&str) -> Option<f64>) -> Vec<(&Described, f64)> {
    let native = found.peers.iter().filter(|peer| peer.is_native);
    native.filter_map(|peer| Some((peer, of(&peer.name)?))).collect()
}

/// Times the raw loop's CPU for a request.
fn ratios<'r>(found: &'r Results, work: &str) -> Vec<(&'r Described, f64)> {
    let Some(load) = found.loads.iter().find(|load| load.name == work) else { return Vec::new() };
    let cpu = |name: &str| median(&load.rows.iter().find(|row| row.peer == name)?.cpu);
    let Some(limit) = cpu(Peer::LIMIT) else { return Vec::new() };
    values(found, |name| Some(cpu(name)? / limit))
}

fn picture(found: &Results, name: &str, digits: usize, panels: Vec<Panel<'_>>) -> Drawn {
    let panels: Vec<Panel<'_>> = panels.into_iter().filter(|(_, rows)| !rows.is_empty()).collect();
    let heights: Vec<u32> = panels.iter().map(|(_, rows)| 90 + 24 * rows.len() as u32).collect();
    let path: PathBuf = workspace().join(format!("docs/images/bench-{name}.svg"));
    let size = (WIDTH, heights.iter().sum::<u32>() + 28);
    let mut rest = framed(SVGBackend::new(&path, size).into_drawing_area(), &found.circumstances.to_string())?;
    for ((title, mut rows), height) in panels.into_iter().zip(heights) {
        rows.sort_by(|one, other| one.1.total_cmp(&other.1));
        let rows: Vec<Bar<'_>> = rows.iter().map(|(peer, value)| bar(peer, *value)).collect();
        let (area, below) = rest.split_vertically(height);
        bars(&area, title, &rows, digits)?;
        rest = below;
    }
    rest.present()?;
    Ok(())
}

fn bar(peer: &Described, value: f64) -> Bar<'_> {
    let colour = match peer {
        peer if peer.is_ours => OURS,
        peer if peer.name == Peer::LIMIT => LIMIT,
        _ => OTHER,
    };
    Bar { name: &peer.name, value, colour }
}
