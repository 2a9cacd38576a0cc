package bridge_test

import (
	"slices"
	"time"
)

// The model test turns bytes into a forest of calls, runs it in a bubble, and checks what must hold
// of any forest. This file makes the forest.

type op byte

const (
	opWork   op = iota
	opPool      // pooled call, awaited
	opLane      // lane call, awaited
	opLeave     // leave call
	opFan       // several pooled calls started together, awaited in order
	opQueue     // several calls on one lane started together, awaited in order
	opLimit     // a context with a deadline around what follows
	opForget    // a pooled call started and not awaited
	opPanic
	opExit   // runtime.Goexit
	opLate   // a goroutine that keeps the context and calls later; the ops from here on blur the capacity bound
	opRace   // several pooled calls, awaited as they complete
	opDesert // a pooled call whose Await is left early
	opAbandon
	opCount
)

type node struct {
	op   op
	lane int
	wait time.Duration
	kids []*node
}

// planner draws a forest from bytes. When they are used up, it draws zeros, which end every branch.
type planner struct {
	data  []byte
	nodes int
	exact bool // the forest has no op that lets a function go on while another uses its token
	calm  bool // it has no op that lets a call outlive the one it was made in
}

func (p *planner) draw(n int) int {
	if len(p.data) == 0 {
		return 0
	}
	b := p.data[0]
	p.data = p.data[1:]
	return int(b) % n
}

// branch is where in a chain of calls a node is.
type branch struct {
	depth int
	held  []int // lanes of the jobs further up, in order
	inJob bool  // may panic or exit
	alone bool  // no call beside this one has the same jobs further up
}

const (
	modelLanes = 4
	modelDepth = 6
	modelNodes = 120
)

func (p *planner) body(at branch) []*node {
	var nodes []*node
	for range 1 + p.draw(4) {
		if p.nodes >= modelNodes {
			break
		}
		nodes = append(nodes, p.node(at))
	}
	return nodes
}

func (p *planner) node(at branch) *node {
	p.nodes++
	n := &node{op: op(p.draw(int(opCount))), wait: time.Duration(p.draw(5)) * time.Millisecond}
	if at.depth >= modelDepth || (!at.inJob && (n.op == opPanic || n.op == opExit)) {
		n.op = opWork
	}
	if p.calm && (n.op == opForget || n.op == opExit || n.op == opLate || n.op == opDesert || n.op == opAbandon) {
		n.op = opWork
	}
	if n.op >= opLate || n.op == opLane || n.op == opQueue {
		p.exact = false
	}
	below := at
	below.depth++
	switch n.op {
	case opWork, opPanic, opExit:
		return n
	case opLane, opQueue:
		n.lane = p.pickLane(at)
		below.held = append(slices.Clone(at.held), n.lane)
		below.inJob = true
	case opLate:
		below.inJob = false
	case opPool, opForget, opDesert, opAbandon, opFan, opRace:
		below.inJob = true
	}
	if n.op == opFan || n.op == opQueue || n.op == opRace {
		below.alone = false
	}
	n.kids = p.body(below)
	return n
}

// pickLane takes lanes in ascending order within a chain, as locks are taken, or chains could wait
// for each other in ways that nobody can detect. In a chain whose calls are all awaited one by one,
// a lane held further up is sure to serve, so it is allowed too.
func (p *planner) pickLane(at branch) int {
	var choice []int
	first := 0
	if n := len(at.held); n > 0 && p.calm && at.alone {
		choice = slices.Clone(at.held)
		first = slices.Max(at.held) + 1
	} else if n > 0 {
		first = at.held[n-1]
	}
	for l := first; l < modelLanes; l++ {
		choice = append(choice, l)
	}
	return choice[p.draw(len(choice))]
}
