package channel

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Position is a place in the log of a kept group: behind the entry with this
// offset. Offsets grow, and mean something within one epoch only: a log that has
// lost its memory begins another. The zero Position is before everything that is
// kept.
type Position struct {
	Epoch  string
	Offset uint64
}

// Newest is a position behind everything, for Inbox.Resume: what was sent before is not
// missed, and Resumed.Position says where the group is now.
var Newest = Position{Offset: math.MaxUint64}

// String returns "epoch:offset", which ParsePosition reads: ASCII letters, digits,
// '-', '_', '.' and one ':', so that it can stand in a URL or a header as it is.
func (p Position) String() string {
	return p.Epoch + ":" + strconv.FormatUint(p.Offset, 10)
}

// ParsePosition reads what Position.String writes, and "" as the zero Position.
// The error is ErrPosition.
func ParsePosition(text string) (Position, error) {
	if text == "" {
		return Position{}, nil
	}
	epoch, digits, _ := strings.Cut(text, ":")
	offset, err := strconv.ParseUint(digits, 10, 64)
	p := Position{Epoch: epoch, Offset: offset}
	if err != nil || (epoch == "" && offset != 0) || (epoch != "" && !valid(epoch)) ||
		p.String() != text {
		return Position{}, fmt.Errorf("%w: %.120q", ErrPosition, text)
	}
	return p, nil
}
