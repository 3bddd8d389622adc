package sharing

import "context"

// Launch makes an instance, owned by the actor, whose system disk is made from the image (R5). The spec's
// region must be the image's (R4).
//
// The call is refused with [ErrImageNotFound] if the actor does not see the image; with [ErrImageDisabled] if it is the
// actor's own and disabled (R16); with [ErrNotAccepted] (R14); with [ErrRegionMismatch] (R4); with [ErrUntrustedOwner]
// if the actor's trust policy refuses the image's owner; and with [ErrDigestMismatch] if the image does not have the
// digest that the spec expects (R11).
func (e *Engine) Launch(ctx context.Context, actor AccountID, spec LaunchSpec) (Instance, error) {
	c, err := e.begin(ctx, "Launch", actor, spec.validate())
	if err != nil {
		return Instance{}, err
	}
	spec.Labels = cloneLabels(spec.Labels)
	need := Need{Image: spec.Image, Trust: true, NewInstance: drawn}
	return makeChange(c, spec, need, func(m *moment) (Instance, []Event, error) {
		untrusted, err := m.canUse(&m.Image, spec.Image, spec.Region, spec.ExpectDigest)
		if err != nil {
			return Instance{}, nil, err
		}
		inst := Instance{
			ID: m.newInstance, Owner: actor, Region: spec.Region, Image: spec.Image,
			DiskGeneration: 1, Labels: spec.Labels, LaunchedAt: m.now(),
		}
		return m.setInstance(EventLaunched, InstanceRecord{Instance: inst}, untrusted)
	})
}

// ReplaceDisk gives one of the actor's instances a new system disk, made from another image or the same, and returns
// the updated instance. The actor need not be able to use the image that the old disk was made from (R7).
//
// The call is refused with [ErrInstanceNotFound], and, because of the image, as [Engine.Launch] from it in
// the instance's region would be.
func (e *Engine) ReplaceDisk(ctx context.Context, actor AccountID, id InstanceID, disk DiskSpec) (Instance, error) {
	c, err := e.begin(ctx, "ReplaceDisk", actor, id.Validate(), disk.validate())
	if err != nil {
		return Instance{}, err
	}
	type request struct {
		ID   InstanceID
		Disk DiskSpec
	}
	need := Need{Instance: id, Image: disk.Image, Trust: true}
	return makeChange(c, request{id, disk}, need, func(m *moment) (Instance, []Event, error) {
		inst, err := m.ownInstance(id)
		if err != nil {
			return Instance{}, nil, err
		}
		untrusted, err := m.canUse(&m.Image, disk.Image, inst.Region, disk.ExpectDigest)
		if err != nil {
			return Instance{}, nil, err
		}
		after := *inst
		after.Image = disk.Image
		after.DiskGeneration++
		return m.setInstance(EventDiskReplaced, after, untrusted)
	})
}

// Reinit puts the system disk of one of the actor's instances back to the image that it was made from, and returns the
// updated instance. It is allowed if and only if the actor could launch from that image now (R6).
//
// The call is refused with [ErrInstanceNotFound]; with [ErrImageUnavailable] if the actor can't use the image now,
// whatever the reason (unshared, rejected, expired, disabled or deleted); and with [ErrUntrustedOwner] if the reason
// is the actor's own trust policy.
func (e *Engine) Reinit(ctx context.Context, actor AccountID, id InstanceID) (Instance, error) {
	c, err := e.begin(ctx, "Reinit", actor, id.Validate())
	if err != nil {
		return Instance{}, err
	}
	return makeChange(c, id, Need{Instance: id, Trust: true}, func(m *moment) (Instance, []Event, error) {
		inst, err := m.ownInstance(id)
		if err != nil {
			return Instance{}, nil, err
		}
		untrusted, err := m.canReinit(inst)
		if err != nil {
			return Instance{}, nil, err
		}
		after := *inst
		after.DiskGeneration++
		return m.setInstance(EventReinitialized, after, untrusted)
	})
}

// Terminate ends one of the actor's instances: from then on it is in no listing, and does
// not keep its image in use (R8).
//
// The call is refused with [ErrInstanceNotFound], also if the instance was terminated before.
func (e *Engine) Terminate(ctx context.Context, actor AccountID, id InstanceID) error {
	c, err := e.begin(ctx, "Terminate", actor, id.Validate())
	if err != nil {
		return err
	}
	_, err = makeChange(c, id, Need{Instance: id}, func(m *moment) (Instance, []Event, error) {
		inst, err := m.ownInstance(id)
		if err != nil {
			return Instance{}, nil, err
		}
		after := *inst
		after.TerminatedAt = m.now()
		return m.setInstance(EventTerminated, after, false)
	})
	return err
}

// setInstance returns the instance as it is to be, and the event that makes it so.
func (m *moment) setInstance(kind EventKind, after InstanceRecord, untrusted bool) (Instance, []Event, error) {
	ev := m.event(kind, after.Image)
	ev.Instance, ev.InstanceRecord, ev.Untrusted = after.ID, &after, untrusted
	return after.Instance.clone(), []Event{ev}, nil
}
