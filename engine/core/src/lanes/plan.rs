//! The plan of a batch: colours in the given order, links to direct predecessors, priorities.
//!
//! Nodes are the bundles by place, then the joins: a join has no cost, no colour and no turn of its own,
//! and only carries the order on from those it follows to those that follow it.

use super::batch::Batch;
use super::planner::Planner;

/// A batch of bundles in order, each with its colour and what it must follow; or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Bundles of the whole batch.
    bundles: usize,
    /// The place of this part's first bundle.
    first: usize,
    /// The number of this part's first join.
    first_join: u32,
    colours: Vec<u32>,
    links: Lists,
    /// For each join the first bundle that follows it.
    join_owners: Vec<u32>,
    join_links: Lists,
    colours_in_all: u32,
    hottest: u32,
}

/// Lists of nodes, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Where each list ends.
    ends: Vec<u32>,
    nodes: Vec<u32>,
}

impl Plan {
    /// Plans bundles in the order given.
    ///
    /// Two bundles conflict iff they share a resource and are not both `Read` or both `Add`. A colour
    /// is the length of the longest path of conflicts that ends there, so their number is the critical path.
    #[must_use]
    pub fn new(batch: &Batch) -> Plan {
        Planner::new(batch).next_part(batch.len())
    }

    /// The number of bundles.
    #[must_use]
    pub fn bundles(&self) -> usize {
        self.bundles
    }

    /// The number of bundles and joins.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.bundles.saturating_add(self.join_owners.len())
    }

    /// The number of colours, which is the critical path in bundles.
    #[must_use]
    pub fn colours(&self) -> u32 {
        self.colours_in_all
    }

    /// The writers of the busiest resource.
    #[must_use]
    pub fn hottest(&self) -> u32 {
        self.hottest
    }

    /// The colour of the bundle at a place: one more than the highest among the earlier ones it conflicts with.
    #[must_use]
    pub fn colour(&self, at: usize) -> u32 {
        at.checked_sub(self.first).and_then(|place| self.colours.get(place)).copied().unwrap_or(0)
    }

    /// The nodes that a node directly follows, sorted.
    #[must_use]
    pub fn follows(&self, node: usize) -> &[u32] {
        match node.checked_sub(self.bundles) {
            None => node.checked_sub(self.first).map_or(&[], |place| self.links.list(place)),
            Some(join) => join.checked_sub(index(self.first_join)).map_or(&[], |place| self.join_links.list(place)),
        }
    }

    /// Whether a node is a bundle and not a join.
    #[must_use]
    pub fn is_bundle(&self, node: usize) -> bool {
        node < self.bundles
    }

    /// The places of the bundles that this part plans.
    #[must_use]
    pub fn range(&self) -> std::ops::Range<usize> {
        self.first..self.first.saturating_add(self.colours.len())
    }

    /// The numbers of the joins, as nodes, that this part plans.
    #[must_use]
    pub fn join_range(&self) -> std::ops::Range<usize> {
        let start = self.bundles.saturating_add(index(self.first_join));
        start..start.saturating_add(self.join_owners.len())
    }

    /// All links there are.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.nodes.len().saturating_add(self.join_links.nodes.len())
    }

    /// The bytes of heap that the plan takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let lists = [&self.links, &self.join_links].into_iter().flat_map(|lists| [&lists.ends, &lists.nodes]);
        let words = lists
            .chain([&self.colours, &self.join_owners])
            .fold(0, |sum: usize, list| sum.saturating_add(list.capacity()));
        words.saturating_mul(size_of::<u32>())
    }

    /// Adds the part that comes next; parts that are no neighbours leave the plan as it was.
    pub fn append(&mut self, next: Plan) {
        if self.colours.is_empty() && next.first == 0 {
            *self = next;
            return;
        }
        if next.first != self.range().end || next.bundles != self.bundles {
            return;
        }
        self.colours.extend(next.colours);
        self.links.append(&next.links);
        self.join_owners.extend(next.join_owners);
        self.join_links.append(&next.join_links);
        self.colours_in_all = self.colours_in_all.max(next.colours_in_all);
        self.hottest = self.hottest.max(next.hottest);
    }

    /// Per node, the nodes that directly follow it, in order.
    #[must_use]
    pub fn followers(&self) -> Lists {
        let mut ends = vec![0_u32; self.nodes()];
        for before in self.links.nodes.iter().chain(&self.join_links.nodes) {
            if let Some(count) = ends.get_mut(index(*before)) {
                *count = count.saturating_add(1);
            }
        }
        // Each entry becomes its list's start, then moves to its end as the list is filled.
        let mut start = 0_u32;
        for entry in &mut ends {
            let count = std::mem::replace(entry, start);
            start = start.saturating_add(count);
        }
        let mut nodes = vec![0_u32; self.links()];
        let mut fill = |node: usize, follows: &[u32]| {
            for before in follows {
                let Some(place) = ends.get_mut(index(*before)) else { continue };
                if let Some(slot) = nodes.get_mut(index(*place)) {
                    *slot = u32::try_from(node).unwrap_or(u32::MAX);
                }
                *place = place.saturating_add(1);
            }
        };
        for node in 0..self.nodes() {
            fill(node, self.follows(node));
        }
        Lists { ends, nodes }
    }

    /// Per node, the longest path of costs from its start to the end of the batch.
    ///
    /// A missing cost counts 1, a join costs nothing.
    #[must_use]
    pub fn longest_remaining(&self, costs: &[u64]) -> Vec<u64> {
        let mut after: Vec<u64> = vec![0; self.nodes()];
        let raise = |after: &mut Vec<u64>, follows: &[u32], path: u64| {
            for before in follows {
                if let Some(slot) = after.get_mut(index(*before)) {
                    *slot = path.max(*slot);
                }
            }
        };
        let mut join = self.join_owners.len();
        for at in (0..self.bundles).rev() {
            let Some(slot) = after.get_mut(at) else { continue };
            *slot = slot.saturating_add(cost_of(costs, at));
            let path = *slot;
            raise(&mut after, self.follows(at), path);
            // A join's followers all come at or after its first one.
            while let Some(number) = join.checked_sub(1).filter(|number| self.is_owner(*number, at)) {
                join = number;
                let node = self.bundles.saturating_add(number);
                let path = after.get(node).copied().unwrap_or(0);
                raise(&mut after, self.follows(node), path);
            }
        }
        after
    }

    fn is_owner(&self, join: usize, at: usize) -> bool {
        self.join_owners.get(join).is_some_and(|owner| index(*owner) == at)
    }

    /// The longest path of costs through the batch.
    #[must_use]
    pub fn critical_path(&self, costs: &[u64]) -> u64 {
        self.longest_remaining(costs).into_iter().max().unwrap_or(0)
    }

    /// The component of the conflict graph that each bundle lies in, numbered in order of first bundle.
    #[must_use]
    pub fn components(&self) -> Vec<u32> {
        let mut parents: Vec<usize> = (0..self.nodes()).collect();
        for node in 0..self.nodes() {
            for before in self.follows(node) {
                let (one, other) = (root(&mut parents, node), root(&mut parents, index(*before)));
                if let Some(parent) = parents.get_mut(one.max(other)) {
                    *parent = one.min(other);
                }
            }
        }
        let mut numbers = vec![u32::MAX; self.nodes()];
        let mut next = 0_u32;
        let mut number_of = |node: usize| {
            let root = root(&mut parents, node);
            let number = numbers.get_mut(root)?;
            if *number == u32::MAX {
                *number = next;
                next = next.saturating_add(1);
            }
            Some(*number)
        };
        (0..self.bundles).map(|at| number_of(at).unwrap_or(u32::MAX)).collect()
    }

    /// An empty part with room for `count` bundles and `links` links.
    pub(super) fn starting_at(bundles: usize, first: usize, first_join: u32, (count, links): (usize, usize)) -> Plan {
        let links = Lists { ends: Vec::with_capacity(count), nodes: Vec::with_capacity(links) };
        Plan { bundles, first, first_join, colours: Vec::with_capacity(count), links, ..Plan::default() }
    }

    pub(super) fn push_link(&mut self, node: u32) {
        if node != u32::MAX {
            self.links.nodes.push(node);
        }
    }

    pub(super) fn end_bundle(&mut self, colour: u32) {
        self.colours.push(colour);
        self.links.end_sorted();
    }

    pub(super) fn push_join_link(&mut self, node: u32) {
        self.join_links.nodes.push(node);
    }

    /// Ends a join that `owner` is the first to follow; returns its node.
    pub(super) fn end_join(&mut self, owner: u32) -> u32 {
        let place = self.bundles.saturating_add(index(self.first_join)).saturating_add(self.join_owners.len());
        self.join_owners.push(owner);
        self.join_links.end_sorted();
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    pub(super) fn set_extent(&mut self, colours: u32, hottest: u32) {
        self.colours_in_all = colours;
        self.hottest = hottest;
    }
}

impl Lists {
    /// The list of this number.
    #[must_use]
    pub fn list(&self, number: usize) -> &[u32] {
        let end = self.ends.get(number).map_or(0, |end| index(*end));
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |start| index(*start));
        self.nodes.get(start..end).unwrap_or(&[])
    }

    /// Ends the list under way, sorted, each node once.
    fn end_sorted(&mut self) {
        let start = self.ends.last().map_or(0, |end| index(*end));
        match self.nodes.get_mut(start..) {
            None | Some([] | [_]) => {}
            Some(list) => {
                let kept = sort_once(list);
                self.nodes.truncate(start.saturating_add(kept));
            }
        }
        self.ends.push(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
    }

    fn append(&mut self, next: &Lists) {
        let shift = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.ends.extend(next.ends.iter().map(|end| end.saturating_add(shift)));
        self.nodes.extend_from_slice(&next.nodes);
    }
}

/// Up to this many nodes are sorted one by one: most bundles follow no more.
const FEW: usize = 6;

/// Sorts a list and brings each node once to its front; returns how many there are.
fn sort_once(list: &mut [u32]) -> usize {
    if list.len() <= FEW {
        for end in 1..list.len() {
            let mut at = end;
            while at > 0 && list.get(at.saturating_sub(1)) > list.get(at) {
                list.swap(at.saturating_sub(1), at);
                at = at.saturating_sub(1);
            }
        }
    } else {
        list.sort_unstable();
    }
    let mut kept = 0_usize;
    for at in 0..list.len() {
        let node = list.get(at).copied().unwrap_or(0);
        let is_again = kept.checked_sub(1).and_then(|last| list.get(last)) == Some(&node);
        if let Some(slot) = list.get_mut(kept).filter(|_| !is_again) {
            *slot = node;
            kept = kept.saturating_add(1);
        }
    }
    kept
}

/// What a bundle costs; 1 where nothing is said.
pub(super) fn cost_of(costs: &[u64], at: usize) -> u64 {
    costs.get(at).copied().unwrap_or(1)
}

/// A node or resource as a place in a list.
pub(super) fn index(node: u32) -> usize {
    usize::try_from(node).unwrap_or(usize::MAX)
}

/// The root of a node's tree; halves the path on the way.
fn root(parents: &mut [usize], node: usize) -> usize {
    let mut node = node;
    loop {
        let parent = parents.get(node).copied().unwrap_or(node);
        if parent == node {
            return node;
        }
        let above = parents.get(parent).copied().unwrap_or(parent);
        if let Some(slot) = parents.get_mut(node) {
            *slot = above;
        }
        node = above;
    }
}
