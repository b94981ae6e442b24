//! Plans bundles in the order given, without building an edge of the conflict graph.
//!
//! Each resource remembers who touched it last and how, so the work is linear in the touches. Where many
//! bundles that only read must follow many that only add, or the other way round, a join stands between
//! them: a node of no cost that follows the first and that the second follow. Without it the links would
//! be as many as the pairs.

use super::batch::{Batch, Touch, access_of, bits_of};
use super::plan::{Plan, index};
use super::resource::Access;

/// Nobody: the end of a list, or a resource not touched yet.
const NONE: u32 = u32::MAX;
/// Marks the place of a list's member among the members; without it a reference is a node itself.
const IS_LIST: u32 = 1 << 31;

/// Who touched a resource last: bundles that commute there, and whom later ones of their kind must follow.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// The last group: nobody, one node, or a list.
    group: u32,
    /// The highest colour in it.
    colour: u32,
    /// How many wrote, above two bits for how the last group touched it.
    writers: u32,
    /// The group before: nobody, one node, or a list.
    before: u32,
}

/// Nobody touched it, which leaves it as a writer would.
const UNTOUCHED: Last = Last { group: NONE, colour: 0, writers: 1, before: NONE };

impl Last {
    fn access(&self) -> Access {
        access_of(self.writers)
    }

    fn set_access(&mut self, access: Access) {
        self.writers = (self.writers & !3) | bits_of(access);
    }
}

/// A member of a group of several, and where the rest of the group is.
#[derive(Clone, Copy, Debug)]
struct Member {
    node: u32,
    rest: u32,
}

/// Plans a batch part by part; what is planned never changes again.
#[derive(Clone, Debug)]
pub struct Planner<'a> {
    batch: &'a Batch,
    last: Vec<Last>,
    /// The highest colour in the group before, where some touch without writing.
    before_colours: Vec<u32>,
    members: Vec<Member>,
    planned: usize,
    joins: u32,
    hottest: u32,
    colours: u32,
}

impl<'a> Planner<'a> {
    /// Stands before the first bundle.
    #[must_use]
    pub fn new(batch: &'a Batch) -> Planner<'a> {
        let last = vec![UNTOUCHED; batch.resources()];
        let before_colours = if batch.is_all_written() { Vec::new() } else { vec![0; batch.resources()] };
        Planner { batch, last, before_colours, members: Vec::new(), planned: 0, joins: 0, hottest: 0, colours: 0 }
    }

    /// Plans at most `count` more bundles; the parts, appended in order, are the plan of the batch.
    pub fn next_part(&mut self, count: usize) -> Plan {
        let end = self.planned.saturating_add(count).min(self.batch.len());
        let room = (end.saturating_sub(self.planned), self.batch.touches_within(self.planned, end));
        let mut part = Plan::starting_at(self.batch.len(), self.planned, self.joins, room);
        for at in self.planned..end {
            if self.batch.is_all_written() {
                self.plan_writer(at, &mut part);
            } else {
                self.plan_bundle(at, &mut part);
            }
        }
        self.planned = end;
        part.set_extent(self.colours, self.hottest);
        part
    }

    /// Whether every bundle is planned.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.planned >= self.batch.len()
    }

    /// The bytes of heap it works with.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let last = self.last.capacity().saturating_mul(size_of::<Last>());
        let last = last.saturating_add(self.before_colours.capacity().saturating_mul(size_of::<u32>()));
        last.saturating_add(self.members.capacity().saturating_mul(size_of::<Member>()))
    }

    /// The same as [`Planner::plan_bundle`] where all write: the last group is one node.
    fn plan_writer(&mut self, at: usize, part: &mut Plan) {
        let touches = self.batch.touches_of(at);
        let node = u32::try_from(at).unwrap_or(NONE);
        let mut colour = 0;
        for touch in touches {
            if let Some(last) = self.last.get(index(touch.resource())) {
                part.push_link(last.group);
                colour = last.colour.max(colour);
            }
        }
        let colour = colour.saturating_add(1);
        part.end_bundle(colour);
        self.colours = self.colours.max(colour);
        for touch in touches {
            if let Some(last) = self.last.get_mut(index(touch.resource())) {
                let writers = last.writers.saturating_add(4);
                *last = Last { group: node, colour, writers, before: NONE };
                self.hottest = self.hottest.max(writers.wrapping_shr(2));
            }
        }
    }

    fn plan_bundle(&mut self, at: usize, part: &mut Plan) {
        let touches = self.batch.touches_of(at);
        let node = u32::try_from(at).unwrap_or(NONE);
        let mut colour = 0;
        for touch in touches {
            colour = self.follow(*touch, node, part).max(colour);
        }
        let colour = colour.saturating_add(1);
        part.end_bundle(colour);
        self.colours = self.colours.max(colour);
        for touch in touches {
            self.enter(*touch, node, colour);
        }
    }

    /// Links the bundle to those of one resource that it must follow; returns their highest colour.
    fn follow(&mut self, touch: Touch, node: u32, part: &mut Plan) -> u32 {
        let resource = index(touch.resource());
        let Some(last) = self.last.get_mut(resource) else { return 0 };
        let access = touch.access();
        if access == Access::Write || last.access() == Access::Write || last.access() == access {
            let is_member = access != Access::Write && last.access() == access;
            if is_member {
                link(&self.members, last.before, part);
                return self.before_colours.get(resource).copied().unwrap_or(0);
            }
            link(&self.members, last.group, part);
            return last.colour;
        }
        if last.group & IS_LIST != 0 && last.group != NONE {
            for_each(&self.members, last.group, |member| part.push_join_link(member));
            last.group = part.end_join(node);
            self.joins = self.joins.saturating_add(1);
        }
        link(&self.members, last.group, part);
        last.colour
    }

    /// Makes the bundle one of those that touched the resource last.
    fn enter(&mut self, touch: Touch, node: u32, colour: u32) {
        let Some(last) = self.last.get_mut(index(touch.resource())) else { return };
        let access = touch.access();
        if access == Access::Write {
            last.writers = last.writers.saturating_add(4);
            self.hottest = self.hottest.max(last.writers.wrapping_shr(2));
        } else if last.access() == access {
            self.members.push(Member { node, rest: last.group });
            let place = u32::try_from(self.members.len().saturating_sub(1)).unwrap_or(NONE);
            last.group = place | IS_LIST;
            last.colour = last.colour.max(colour);
            return;
        }
        last.before = last.group;
        if let Some(before) = self.before_colours.get_mut(index(touch.resource())) {
            *before = last.colour;
        }
        last.group = node;
        last.colour = colour;
        last.set_access(access);
    }
}

fn link(members: &[Member], group: u32, part: &mut Plan) {
    if group & IS_LIST == 0 {
        part.push_link(group);
    } else {
        for_each(members, group, |member| part.push_link(member));
    }
}

fn for_each(members: &[Member], group: u32, mut visit: impl FnMut(u32)) {
    let mut rest = group;
    while rest != NONE && rest & IS_LIST != 0 {
        let Some(member) = members.get(index(rest & !IS_LIST)) else { return };
        visit(member.node);
        rest = member.rest;
    }
    if rest != NONE {
        visit(rest);
    }
}
