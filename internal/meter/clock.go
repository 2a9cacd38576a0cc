package meter

import "time"

var began = time.Now()

// Now is the time on a clock of this process that goes on evenly, whatever the wall clock
// is set to: what is kept as a number to be compared later is kept by it, and not by the
// Unix time. Only differences make sense. It costs half of what time.Now does.
//
//parley:inline
func Now() time.Duration { return time.Since(began) }

// At is what Now was, or will be, at a time that was made from time.Now's.
//
//parley:inline
func At(t time.Time) time.Duration { return t.Sub(began) }
