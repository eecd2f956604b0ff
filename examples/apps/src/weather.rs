//! Weather without floating point functions: a wave of straight lines with a little noise.

/// Steps of one wave.
const PERIOD: u32 = 120;

/// A temperature in degrees Celsius with one decimal, for a step of time; every sensor is a bit behind the one before it.
pub(crate) fn temperature(step: u32, sensor: u32) -> f32 {
    let phase = step.wrapping_add(sensor.wrapping_mul(17)) % PERIOD;
    let rising = if phase < PERIOD / 2 { phase } else { PERIOD - phase };
    let noise = step.wrapping_mul(2_654_435_761) >> 30; // 0 to 3 tenths
    let tenths = 180 + rising * 2 + noise;
    tenths as f32 / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_mild_and_keeps_changing() {
        let values: std::vec::Vec<f32> = (0..600).map(|step| temperature(step, 0)).collect();
        assert!(values.iter().all(|value| (18.0..=30.5).contains(value)));
        assert!(values.windows(4).all(|w| w.iter().any(|value| *value != w[0])));
    }
}
