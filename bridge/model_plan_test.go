package bridge_test

import (
	"slices"
	"time"
)

// The model test turns bytes into a forest of calls, runs it in a bubble, and checks what must hold
// of any forest. This file makes the forest.

type op byte

const (
	opWork     op = iota
	opPool        // pooled call, awaited
	opLane        // lane call, awaited
	opLeave       // off the lane's thread and back
	opFan         // several pooled calls started together
	opQueue       // several calls on one lane started together
	opLimit       // a context with a deadline around what follows
	opForget      // a pooled call started and not awaited
	opHost        // lends the thread; on a lane, the same as opLeave
	opHere        // call on the thread that a host lends, or else pooled call
	opWithdraw    // a call whose own context soon ends, awaited later or never
	opPanic
	opExit    // runtime.Goexit
	opLate    // a goroutine that keeps the context and calls later
	opDesert  // a pooled call whose Await is left early
	opAbandon // a pooled call that is left while it runs
	opWalk    // over an iterator, in the pool or on a lane
	opCount
)

// A forest is of one mode, so that what must hold of it is known.
type mode byte

const (
	calm mode = iota // no call outlives the one it was made in
	wild
	rings // lanes wait for each other in any order, by their own threads alone
	pools // no lanes: the capacity is never exceeded
	modeCount
)

type node struct {
	op     op
	lane   int // of all bridges' lanes
	bridge int
	way    int // to wait for several; opWalk: on a lane if not 0
	wait   time.Duration
	never  bool // opWithdraw: nobody awaits it; opWalk: the loop is left early
	whole  bool // opPool, opLane: called and awaited in one step
	kids   []*node
}

// planner draws a forest from bytes. When they are used up, it draws zeros, which end every branch.
type planner struct {
	data    []byte
	steps   int // that the forest takes, or fewer where a function does not run
	bridges int
	mode    mode
	exact   bool // no function goes on while another uses its token: the capacity is kept
	limits  bool // some call may be withdrawn
	several bool // some function waits for several calls at once
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
	times int   // how often it runs: calls started together have the same kids
	held  []int // lanes of the jobs further up, in order
	inJob bool  // may panic or exit
	alone bool  // no call beside this one has the same jobs further up
}

const (
	modelLanes   = 4 // of each bridge
	modelDepth   = 6
	modelCalls   = 3    // of a fan or a queue
	modelStrides = 2    // of a walk
	modelSteps   = 1000 // six fans in each other would take a second
)

func (p *planner) body(at branch) []*node {
	var nodes []*node
	for range 1 + p.draw(4) {
		if p.steps+at.times > modelSteps {
			break
		}
		nodes = append(nodes, p.node(at))
	}
	return nodes
}

func (p *planner) node(at branch) *node {
	p.steps += at.times
	choice := ops[p.mode]
	n := &node{
		op:   choice[p.draw(len(choice))],
		wait: time.Duration(p.draw(5)) * time.Millisecond,
	}
	if at.depth >= modelDepth || !at.inJob && (n.op == opPanic || n.op == opExit) {
		n.op = opWork
	}
	switch n.op {
	case opWork, opPanic, opExit:
		return n
	case opFan, opQueue:
		n.way = p.draw(len(waysToWait))
	case opWalk:
		n.way = p.draw(2)
	}
	n.bridge, n.never = p.draw(p.bridges), p.draw(2) == 0
	n.whole = n.never
	p.blur(n)
	n.kids = p.body(p.below(n, at))
	return n
}

// ops are what a forest of each mode is made of.
var ops = [modeCount][]op{
	calm: {
		opWork, opPool, opLane, opLeave, opFan, opQueue, opLimit, opHost, opHere, opPanic,
		opWalk,
	},
	wild: {
		opWork, opPool, opLane, opLeave, opFan, opQueue, opLimit, opForget, opHost, opHere,
		opWithdraw, opPanic, opExit, opLate, opDesert, opAbandon, opWalk,
	},
	rings: {opWork, opLane, opLane, opQueue, opLane, opQueue, opLimit, opPanic},
	pools: {opWork, opPool, opLeave, opFan, opFan, opLimit, opForget, opPanic},
}

// blur notes that a function may go on while another uses its token: at the end of a wait for what
// had none, such as a lane call, or a call that waited while others had all tokens, and was
// withdrawn.
func (p *planner) blur(n *node) {
	switch n.op {
	case opPool, opLeave, opForget:
	case opLimit:
		p.limits = true
	case opFan:
		p.several = p.several || waysToWait[n.way].several
	default:
		p.exact = false
	}
	if p.limits && p.several {
		p.exact = false
	}
}

// below returns where n's kids are, and chooses n's lane.
func (p *planner) below(n *node, at branch) branch {
	below := at
	below.depth++
	switch n.op {
	case opWalk:
		below.inJob = true
		below.times *= modelStrides
		if n.way != 0 {
			n.lane = p.pickLane(at)
			below.held = append(slices.Clone(at.held), n.lane)
		}
	case opLane, opQueue:
		n.lane = p.pickLane(at)
		below.held = append(slices.Clone(at.held), n.lane)
		below.inJob = true
	case opLate:
		below.inJob = false
	case opPool, opForget, opDesert, opAbandon, opFan, opHere, opWithdraw:
		below.inJob = true
	}
	if n.op == opFan || n.op == opQueue {
		below.alone = false
		below.times *= modelCalls
	}
	return below
}

// pickLane takes lanes in ascending order within a chain, as locks are taken, or chains could wait
// for each other in ways that nobody can detect. In a chain whose calls are all awaited one by one,
// a lane held further up is sure to serve, so it is allowed too. In a forest of rings everything
// is.
func (p *planner) pickLane(at branch) int {
	var choice []int
	first, last := 0, modelLanes*p.bridges
	switch n := len(at.held); {
	case p.mode == rings: // few, of all bridges, so that they meet
		first, last = modelLanes-2, min(last, modelLanes+2)
	case n > 0 && p.mode == calm && at.alone:
		choice = slices.Clone(at.held)
		first = slices.Max(at.held) + 1
	case n > 0:
		first = slices.Max(at.held)
	}
	for l := first; l < last; l++ {
		choice = append(choice, l)
	}
	return choice[p.draw(len(choice))]
}
