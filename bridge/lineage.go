package bridge

// Whose work a call is says its context: up. A call made on a lane's thread with a strange context
// is also the work of the function there: by. So the calls a call descends from are a graph, and
// can be reached in many ways.

// nested reports whether j was made by a function that ran on some bridge.
func (j *job) nested() bool { return j.up != nil || j.by != nil }

// ancestor returns the innermost call that j was made in (j included) for which match holds, nil if
// there is none.
func (j *job) ancestor(match func(*job) bool) *job {
	for ; j != nil; j = j.up {
		if match(j) {
			return j
		}
		if j.by != nil {
			return firstOf(j.by, j.up, match)
		}
	}
	return nil
}

// above is ancestor without j itself.
func above(j *job, match func(*job) bool) *job {
	if j.by == nil {
		return j.up.ancestor(match)
	}
	return firstOf(j.by, j.up, match)
}

// firstOf searches all that by and then up descend from. It looks at each call once, however many
// ways lead to it.
func firstOf(by, up *job, match func(*job) bool) *job {
	seen := map[*job]bool{}
	open := []*job{up, by}
	for len(open) > 0 {
		j := open[len(open)-1]
		open = open[:len(open)-1]
		if j == nil || seen[j] {
			continue
		}
		seen[j] = true
		if match(j) {
			return j
		}
		open = append(open, j.up, j.by)
	}
	return nil
}

// liveIn reports whether j's function is being executed for b, so that work below it must not be
// refused.
func (j *job) liveIn(b *Bridge) bool { return j.bridge == b && j.running() }

// isRoot reports whether j was made outside every function that runs on b.
func (b *Bridge) isRoot(j *job) bool {
	return above(j, func(k *job) bool { return k.liveIn(b) }) == nil
}

// sheltered reports whether j was made by a function that runs on some bridge. Limits do not hold
// for it: functions of two bridges may wait for each other.
func (j *job) sheltered() bool { return above(j, (*job).running) != nil }

// above reports whether j descends from the activation. Only the lane's own goroutine may call it.
func (a *activation) above(j *job) bool {
	return j.ancestor(func(k *job) bool { return k.home == a.lane && k.act == a }) != nil
}

// enclosing returns the innermost activation on l that j descends from.
func (l *Lane) enclosing(j *job) *activation {
	k := above(j, func(k *job) bool { return k.home == l && k.act != nil })
	if k == nil {
		return nil
	}
	return k.act
}
