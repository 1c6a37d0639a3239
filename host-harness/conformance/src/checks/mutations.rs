/// What the mutations of the genuine samples became.
pub struct Mutated;
