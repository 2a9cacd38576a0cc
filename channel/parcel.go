package channel

// Parcel is what a Transport's payload brings, for a transport that speaks to others
// than layers and has to say it in their words. Either Group or Name is set.
type Parcel struct {
	Origin  string // the id of the layer that sends; of others a word by the rules of a group name
	Group   Group  // whose members it is for
	Except  Name   // a member that does not get it, or ""
	Name    Name   // or the inbox
	Message Message
}

// OpenParcel reads a payload that a layer has published. It returns false for one that
// is between layers alone, such as a kick: a transport hands it over as it is.
//
// The message's bytes are the payload's.
func OpenParcel(payload []byte) (Parcel, bool) {
	e, err := decodeEnvelope(payload)
	if err != nil {
		return Parcel{}, false
	}
	switch e.kind {
	case kindGroup, kindGroupExcept:
		return Parcel{
			Origin: e.origin, Group: Group(e.target), Except: Name(e.except), Message: e.message,
		}, true
	case kindDirect:
		return Parcel{Origin: e.origin, Name: Name(e.target), Message: e.message}, true
	}
	return Parcel{}, false
}

// Payload returns what a layer understands when it is delivered. A layer skips, and
// counts in LayerStats.BadEnvelopes, what breaks the rules of names or is too large, and
// it ignores group sends of which it is the origin itself.
func (p Parcel) Payload() []byte {
	e := envelope{kind: kindDirect, origin: p.Origin, target: string(p.Name), message: p.Message}
	if p.Group != "" {
		e.kind, e.target, e.except = groupKind(p.Except), string(p.Group), string(p.Except)
	}
	if !e.fits() {
		return nil
	}
	return e.encode()
}

// fits reports whether the names can be written.
func (e *envelope) fits() bool {
	return max(len(e.origin), len(e.target), len(e.message.typ), len(e.except)) <= MaxName
}
