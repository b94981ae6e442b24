//! Solves symmetric positive definite systems: a Cholesky factor of the diagonally scaled matrix.
//!
//! Rows that share nothing cost nothing: zeros of the factor are skipped, so the order of rows matters.

/// Added to the scaled diagonal, so that a row that nothing fixes stays solvable.
const REGULARISATION: f64 = 1e-14;
/// A pivot below this would be noise.
const PIVOT_MIN: f64 = 1e-13;

/// A symmetric matrix, of which the upper triangle is kept, and then its factor.
#[derive(Clone, Debug, Default)]
pub(super) struct Cholesky {
    size: usize,
    /// Row after row, the upper triangle.
    cells: Vec<f64>,
    scale: Vec<f64>,
}

impl Cholesky {
    /// Starts a matrix of zeros.
    pub(super) fn reset(&mut self, size: usize) {
        self.size = size;
        self.cells.clear();
        self.cells.resize(size * size, 0.0);
    }

    /// Adds to one cell and to its mirror image.
    pub(super) fn add(&mut self, row: usize, column: usize, value: f64) {
        let (first, second) = if row <= column { (row, column) } else { (column, row) };
        self.cells[first * self.size + second] += value;
    }

    /// Replaces the matrix by its factor.
    pub(super) fn factor(&mut self) {
        self.rescale();
        let size = self.size;
        for pivot in 0..size {
            let (done, rest) = self.cells.split_at_mut((pivot + 1) * size);
            let row = &mut done[pivot * size..];
            let root = row[pivot].max(PIVOT_MIN).sqrt();
            let inverse = 1.0 / root;
            row[pivot] = root;
            row[pivot + 1..].iter_mut().for_each(|cell| *cell *= inverse);
            for (below, target) in rest.chunks_exact_mut(size).enumerate() {
                let at = pivot + 1 + below;
                let factor = row[at];
                if factor != 0.0 {
                    subtract(&mut target[at..], factor, &row[at..]);
                }
            }
        }
    }

    /// Replaces the right side by the solution.
    pub(super) fn solve(&self, right: &mut [f64]) {
        let size = self.size;
        right.iter_mut().zip(&self.scale).for_each(|(value, scale)| *value *= scale);
        for at in 0..size {
            let row = &self.cells[at * size..(at + 1) * size];
            let value = right[at] / row[at];
            right[at] = value;
            subtract(&mut right[at + 1..], value, &row[at + 1..]);
        }
        for at in (0..size).rev() {
            let row = &self.cells[at * size..(at + 1) * size];
            let known: f64 = row[at + 1..].iter().zip(&right[at + 1..]).map(|(cell, value)| cell * value).sum();
            right[at] = (right[at] - known) / row[at];
        }
        right.iter_mut().zip(&self.scale).for_each(|(value, scale)| *value *= scale);
    }

    /// Brings the diagonal to one.
    fn rescale(&mut self) {
        let size = self.size;
        let diagonal = (0..size).map(|at| self.cells[at * size + at]);
        self.scale = diagonal.map(|value| 1.0 / value.max(f64::MIN_POSITIVE).sqrt()).collect();
        for (at, row) in self.cells.chunks_exact_mut(size.max(1)).enumerate() {
            let own = self.scale[at];
            row[at..].iter_mut().zip(&self.scale[at..]).for_each(|(cell, other)| *cell *= own * other);
            row[at] += REGULARISATION;
        }
    }
}

fn subtract(target: &mut [f64], factor: f64, row: &[f64]) {
    target.iter_mut().zip(row).for_each(|(cell, other)| *cell -= factor * other);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_solves_its_system() {
        let rows = [[4e6, 2e3, 0.0], [2e3, 5.0, 1e-3], [0.0, 1e-3, 3e-6]];
        let mut matrix = Cholesky::default();
        matrix.reset(3);
        for (at, row) in rows.iter().enumerate() {
            (0..=at).for_each(|other| matrix.add(at, other, row[other]));
        }
        matrix.factor();
        let mut found = [1.0, -2.0, 3.0];
        matrix.solve(&mut found);
        for (row, right) in rows.iter().zip([1.0, -2.0, 3.0]) {
            let left: f64 = row.iter().zip(&found).map(|(cell, value)| cell * value).sum();
            assert!((left - right).abs() < 1e-6, "{left} {right}");
        }
    }
}
