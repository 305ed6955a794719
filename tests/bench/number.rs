//! How numbers are written.

/// `12345.6` as `12,346`.
pub(crate) fn thousands(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// `25000` as `25k`.
pub(crate) fn short(value: f64) -> String {
    // A tick of 0.6 may be a sum that is a little more.
    let rounded = |value: f64| (value * 1e3).round() / 1e3;
    if value >= 1e6 {
        format!("{}M", rounded(value / 1e6))
    } else if value >= 1e3 {
        format!("{}k", rounded(value / 1e3))
    } else {
        format!("{}", rounded(value))
    }
}
