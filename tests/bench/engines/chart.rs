//! The pictures. Both axes of a curve are logarithmic: what counts is whether
//! it bends.

use std::ops::Range;
use std::path::PathBuf;

use gateway_tests::artifacts::workspace;
use plotters::prelude::*;

use super::load::Load;
use super::{Circumstances, IDLE, Measured};
use crate::bars::{Bar, Drawn, bars, framed};
use crate::number::short;

const SIZE: (u32, u32) = (860, 520);
/// Colours that are told apart by those who see few of them too.
const COLOURS: [RGBColor; 9] = [
    RGBColor(0, 0, 0),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(140, 200, 60),
    RGBColor(120, 94, 240),
];

/// Draws all pictures.
///
/// # Panics
/// When one cannot be drawn.
pub(super) fn draw(measured: &[Measured], circumstances: &Circumstances) {
    let below = &circumstances.to_string();
    let drawn = curves("rate", "Requests a second", measured, below, |load| load.rate)
        .and_then(|()| curves("cpu", "Server CPU for a request, in microseconds", measured, below, |load| load.cpu))
        .and_then(|()| curves("p99", "99 of 100 answered within, in microseconds", measured, below, |load| load.p99))
        .and_then(|()| memory(measured, below));
    drawn.expect("docs/images is writable");
}

fn path(name: &str) -> PathBuf {
    workspace().join(format!("docs/images/engines-{name}.svg"))
}

/// A figure of the busy connections against the number of idle ones.
fn curves(name: &str, title: &str, measured: &[Measured], below: &str, pick: fn(&Load) -> f64) -> Drawn {
    let path = path(name);
    let area = framed(SVGBackend::new(&path, SIZE).into_drawing_area(), below)?;
    let values = measured.iter().flat_map(|one| one.figures.among.iter().flatten().map(pick));
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(16)
        .set_label_area_size(LabelAreaPosition::Left, 70)
        .set_label_area_size(LabelAreaPosition::Bottom, 50)
        .margin_right(130)
        .build_cartesian_2d((1.0..IDLE[IDLE.len() - 1] as f64).log_scale(), around(values).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("idle connections beside the busy ones")
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|y| short(*y))
        .label_style(("sans-serif", 13))
        .draw()?;
    let mut named = 0;
    for (one, colour) in measured.iter().zip(COLOURS.iter().cycle()) {
        let points: Vec<(f64, f64)> = IDLE
            .iter()
            .zip(&one.figures.among)
            .filter_map(|(idle, load)| Some((*idle as f64, pick(load.as_ref()?))))
            .collect();
        if points.is_empty() {
            continue;
        }
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        let (x, y) = (SIZE.0 as i32 - 125, 60 + 22 * named);
        area.draw(&PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(3)))?;
        area.draw(&Text::new(one.form.name, (x + 30, y - 6), ("sans-serif", 14)))?;
        named += 1;
    }
    area.present()?;
    Ok(())
}

/// A bar for each engine that has idle connections.
fn memory(measured: &[Measured], below: &str) -> Drawn {
    let path = path("memory");
    let area = framed(SVGBackend::new(&path, (SIZE.0, 360)).into_drawing_area(), below)?;
    let coloured = measured.iter().zip(COLOURS.iter().cycle());
    let rows: Vec<Bar<'_>> = coloured
        .filter_map(|(one, colour)| {
            Some(Bar { name: one.form.name, value: one.figures.memory? / 1024.0, colour: *colour })
        })
        .collect();
    bars(&area, "Memory of an idle connection, in KiB", &rows, 1)?;
    area.present()?;
    Ok(())
}

/// The powers of ten around all values.
fn around(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, most) =
        values.fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), value| (least.min(value), most.max(value)));
    let down = 10f64.powf(least.min(most).log10().floor());
    down..10f64.powf(most.log10().ceil()).max(down * 10.0)
}
