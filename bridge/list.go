package bridge

// links is a job's place in one list. A job can be in two at a time: in one it has its turn (a
// queue, its door, an activation's inbox, the granted line), the other is that of awaited calls.
type links struct {
	prev, next *job
	list       *jobList
}

// jobList is an intrusive FIFO: O(1) to join and to leave from the middle, and no allocation. The
// zero value is an empty list of jobs waiting for their turn. The owning bridge's mutex guards it.
type jobList struct {
	head, tail *job
	count      int
	second     bool // tokens.awaited; all others link a job by its turn
}

func (l *jobList) push(j *job) {
	at := l.of(j)
	at.list = l
	l.count++
	if l.tail == nil {
		l.head, l.tail = j, j
		return
	}
	at.prev = l.tail
	l.of(l.tail).next = j
	l.tail = j
}

func (l *jobList) of(j *job) *links {
	if l.second {
		return &j.need().awaited
	}
	return &j.turn
}

// merge moves all of other into l, by sequence number: jobs handed outward keep their place in the
// order of acceptance. Both lists are in that order.
func (l *jobList) merge(other *jobList) {
	at := l.tail
	for j := other.tail; j != nil; j = other.tail {
		other.remove(j)
		for at != nil && at.seq > j.seq {
			at = l.of(at).prev
		}
		l.insertAfter(at, j)
	}
}

func (l *jobList) insertAfter(at, j *job) {
	next := l.head
	if at != nil {
		next = l.of(at).next
		l.of(at).next = j
	} else {
		l.head = j
	}
	if next != nil {
		l.of(next).prev = j
	} else {
		l.tail = j
	}
	*l.of(j) = links{prev: at, next: next, list: l}
	l.count++
}

func (l *jobList) pop() *job {
	j := l.head
	if j != nil {
		l.remove(j)
	}
	return j
}

func (l *jobList) remove(j *job) {
	at := *l.of(j)
	if at.prev != nil {
		l.of(at.prev).next = at.next
	} else {
		l.head = at.next
	}
	if at.next != nil {
		l.of(at.next).prev = at.prev
	} else {
		l.tail = at.prev
	}
	*l.of(j) = links{}
	l.count--
}
