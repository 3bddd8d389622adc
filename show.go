package sharing

// show returns an image, which the actor sees, as the actor may see it: without a source and a replacement that the
// actor does not see (R16, R20).
func (m *moment) show(rec *ImageRecord) (Image, error) {
	images := []Image{rec.Image}
	if err := m.showAll(images, false); err != nil {
		return Image{}, err
	}
	return images[0], nil
}

// showAll is show for a page of images, in place; it reads all that they refer to at once. What fresh images hold is
// referred to by nobody else, and so is not copied.
func (m *moment) showAll(images []Image, fresh bool) error {
	refs, err := m.loadReferences(images)
	if err != nil {
		return err
	}
	for i := range images {
		img := &images[i]
		if !fresh {
			img.own()
		}
		if img.Source.Image != "" && !refs.images[img.Source.Image] {
			img.Source.Image = ""
		}
		if img.Source.Instance != "" && !refs.instances[img.Source.Instance] {
			img.Source.Instance = ""
		}
		if d := img.Deprecation; d != nil && !refs.images[d.Replacement] {
			d.Replacement = ""
		}
	}
	return nil
}

// references are the images and instances that the actor sees, of those that a page of images refers to.
type references struct {
	images    map[ImageID]bool
	instances map[InstanceID]bool
}

func (m *moment) loadReferences(images []Image) (references, error) {
	need := Need{Account: m.actor, Organizations: m.outside.organizations}
	for i := range images {
		img := &images[i]
		if src := img.Source.Image; src != "" {
			need.Images = append(need.Images, src)
		}
		if src := img.Source.Instance; src != "" {
			need.Instances = append(need.Instances, src)
		}
		if d := img.Deprecation; d != nil && d.Replacement != "" {
			need.Images = append(need.Images, d.Replacement)
		}
	}
	if len(need.Images)+len(need.Instances) == 0 {
		return references{}, nil
	}
	need.Images, need.Instances = distinct(need.Images), distinct(need.Instances)
	refs := references{make(map[ImageID]bool), make(map[InstanceID]bool)}
	state, err := m.tx.Load(need)
	if err != nil {
		return refs, err
	}
	for i, id := range need.Images {
		visible := m.reach(&state.Images[i]) != unseen
		if !visible && m.outside.needsDirectory {
			return refs, m.outside.organizationsKnown() // where it fails to tell, the reference is left out
		}
		refs.images[id] = visible
	}
	for i, id := range need.Instances {
		inst := state.Instances[i]
		refs.instances[id] = inst != nil && inst.Owner == m.actor && inst.TerminatedAt.IsZero()
	}
	return refs, nil
}
