package linearizability

import (
	"math/bits"

	"github.com/anishathalye/porcupine"

	"github.com/imageshare/sharing"
)

// An image is what a history's model knows of one image.
type image struct {
	shares            uint8
	disabled, deleted bool
}

// model tells what each call answers, and what it leaves behind, if calls take effect one by one.
// Images have nothing to do with each other: each is checked by itself.
var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make(map[int][]porcupine.Operation)
		for _, op := range history {
			subject := op.Input.(Operation).Subject
			parts[subject] = append(parts[subject], op)
		}
		var all [][]porcupine.Operation
		for _, part := range parts {
			all = append(all, part)
		}
		return all
	},
	Init: func() any { return image{} },
	Step: func(state, input, output any) (bool, any) {
		before, op := state.(image), input.(Operation)
		answer, after := step(before, op)
		switch output {
		case conflict:
			return true, before
		case unknown:
			// A call of which nobody knows may have had no effect: then it is placed after all others, where its effect
			// meets no other call.
			return true, after
		}
		return output == answer, after
	},
}

// step is the rules for one image, its owner and its grantees.
func step(img image, op Operation) (string, image) {
	bit := uint8(1) << op.Grantee
	sees := !img.deleted && !img.disabled && img.shares&bit != 0
	notFound := sharing.ErrImageNotFound.Error()
	switch op.Kind {
	case CanUse, Launch, Leave:
		if !sees {
			return notFound, img
		}
		if op.Kind == Leave {
			img.shares &^= bit
		}
		return "ok", img
	case Reinit:
		if !sees {
			return sharing.ErrImageUnavailable.Error(), img
		}
		return "ok", img
	}
	if img.deleted {
		return notFound, img
	}
	switch op.Kind {
	case List:
		return shared(img.shares), img
	case Disable:
		img.disabled = true
	case Enable:
		img.disabled = false
	case ForceDelete:
		img.deleted = true
	case Unshare:
		img.shares &^= bit
	case Share:
		return setShares(img, img.shares|bit)
	case SetShares:
		return setShares(img, op.Set)
	}
	return "ok", img
}

func setShares(img image, to uint8) (string, image) {
	switch added := to &^ img.shares; {
	case added != 0 && img.disabled:
		return sharing.ErrImageDisabled.Error(), img
	case added != 0 && bits.OnesCount8(to) > maxShares:
		return sharing.ErrShareLimit.Error(), img
	}
	img.shares = to
	return "ok", img
}
