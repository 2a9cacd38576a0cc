package bridge

// A job waits in at most one line of each kind: where it will run (the pool's queue, a lane's queue,
// an activation's inbox, the granted line), and among the nested calls of the function that made it.
const (
	lineTurn = iota
	lineKin
	lines
)

type links struct {
	prev, next *job
	list       *jobList
}

// jobList is an intrusive FIFO: O(1) to join and to leave from the middle, and no allocation.
// The zero value is an empty list of the lineTurn kind. The owning bridge's mutex guards it.
type jobList struct {
	head, tail *job
	kind       uint8
}

func (l *jobList) push(j *job) { l.insertAfter(l.tail, j) }

// merge inserts j by its sequence number, so that a job handed outward keeps its place in the order of acceptance.
func (l *jobList) merge(j *job) {
	at := l.tail
	for at != nil && at.seq > j.seq {
		at = at.links[l.kind].prev
	}
	l.insertAfter(at, j)
}

func (l *jobList) insertAfter(at, j *job) {
	next := l.head
	if at != nil {
		next = at.links[l.kind].next
		at.links[l.kind].next = j
	} else {
		l.head = j
	}
	if next != nil {
		next.links[l.kind].prev = j
	} else {
		l.tail = j
	}
	j.links[l.kind] = links{prev: at, next: next, list: l}
}

func (l *jobList) pop() *job {
	j := l.head
	if j != nil {
		l.remove(j)
	}
	return j
}

func (l *jobList) remove(j *job) {
	at := j.links[l.kind]
	if at.prev != nil {
		at.prev.links[l.kind].next = at.next
	} else {
		l.head = at.next
	}
	if at.next != nil {
		at.next.links[l.kind].prev = at.prev
	} else {
		l.tail = at.prev
	}
	j.links[l.kind] = links{}
}
