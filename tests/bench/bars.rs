//! A picture with a bar for each row, and the sheet that it stands on.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::number::{short, thousands};

pub(crate) type Drawn = Result<(), Box<dyn Error>>;
pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A row: its name, how long its bar is, its colour.
pub(crate) struct Bar<'n> {
    pub(crate) name: &'n str,
    pub(crate) value: f64,
    pub(crate) colour: RGBColor,
}

/// A white sheet that says below how it came about.
pub(crate) fn framed<'a>(area: Area<'a>, text: &str) -> Result<Area<'a>, Box<dyn Error>> {
    area.fill(&WHITE)?;
    let (_, height) = area.dim_in_pixel();
    let (sheet, below) = area.split_vertically(height - 28);
    below.draw(&Text::new(text.to_owned(), (16, 4), ("sans-serif", 12).into_font().color(&BLACK.mix(0.6))))?;
    Ok(sheet)
}

/// The bars, one below the other.
pub(crate) fn bars(area: &Area<'_>, title: &str, rows: &[Bar<'_>], digits: usize) -> Drawn {
    let most = rows.iter().map(|bar| bar.value).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(16)
        .margin_left(130)
        .margin_right(80)
        .set_label_area_size(LabelAreaPosition::Bottom, 30)
        .build_cartesian_2d(0.0..most, rows.len() as f64..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(WHITE)
        .x_label_formatter(&|x| short(*x))
        .label_style(("sans-serif", 13))
        .draw()?;
    for (row, bar) in rows.iter().enumerate() {
        let middle = row as f64 + 0.5;
        let sides = [(0.0, middle - 0.35), (bar.value, middle + 0.35)];
        chart.draw_series([Rectangle::new(sides, bar.colour.filled())])?;
        let text = |text: String, x, right| EmptyElement::at((x, middle)) + Text::new(text, right, ("sans-serif", 13));
        let figure = thousands(bar.value, digits);
        chart.draw_series([text(figure, bar.value, (6, -6)), text(bar.name.to_owned(), 0.0, (-118, -6))])?;
    }
    Ok(())
}
