package nethttp

// entry is a conversation's place in a list of its kind.
type entry[T any] struct{ prev, next T }

type listed[T any] interface {
	comparable
	place() *entry[T]
}

// list is one whose members have their places in themselves. The zero value is empty.
type list[T listed[T]] struct{ first T }

// add reports whether c was not in the list.
func (l *list[T]) add(c T) bool {
	var nobody T
	if l.has(c) {
		return false
	}
	*c.place() = entry[T]{next: l.first}
	if l.first != nobody {
		l.first.place().prev = c
	}
	l.first = c
	return true
}

// remove reports whether c was in the list.
func (l *list[T]) remove(c T) bool {
	var nobody T
	if !l.has(c) {
		return false
	}
	e := c.place()
	if e.prev != nobody {
		e.prev.place().next = e.next
	} else {
		l.first = e.next
	}
	if e.next != nobody {
		e.next.place().prev = e.prev
	}
	*e = entry[T]{}
	return true
}

func (l *list[T]) has(c T) bool {
	var nobody T
	return l.first == c || c.place().prev != nobody
}
