package packed

import "github.com/imageshare/sharing"

// Image passes the record of an image.
func Image(c *Codec, v *sharing.ImageRecord) {
	c.Instant(&v.DeletedAt)
	Text(c, &v.ID)
	Text(c, &v.Owner)
	Text(c, &v.Region)
	Text(c, &v.Name)
	Text(c, &v.Description)
	Text(c, &v.Family)
	Text(c, &v.Architecture)
	Text(c, &v.Digest)
	c.Number(&v.Size)
	c.Labels(&v.Labels)
	State(c, &v.State)
	deprecated := v.Deprecation != nil
	if c.Flag(&deprecated); deprecated {
		if c.Reading() {
			v.Deprecation = new(sharing.Deprecation)
		}
		Text(c, &v.Deprecation.Notice)
		Text(c, &v.Deprecation.Replacement)
		c.Instant(&v.Deprecation.At)
	}
	c.Flag(&v.Protected)
	c.Flag(&v.Sealed)
	Text(c, &v.Source.Image)
	Text(c, &v.Source.Instance)
	c.Instant(&v.CreatedAt)
}

// Instance passes the record of an instance.
func Instance(c *Codec, v *sharing.InstanceRecord) {
	c.Instant(&v.TerminatedAt)
	Text(c, &v.ID)
	Text(c, &v.Owner)
	Text(c, &v.Region)
	Text(c, &v.Image)
	c.Number(&v.DiskGeneration)
	c.Labels(&v.Labels)
	c.Instant(&v.LaunchedAt)
}

// Trust passes a trust policy.
func Trust(c *Codec, v *sharing.Trust) {
	n := c.Length(len(v.Owners))
	if c.Reading() {
		v.Owners = nil
		if n > 0 {
			v.Owners = make([]sharing.AccountID, n)
		}
	}
	for i := range v.Owners {
		Text(c, &v.Owners[i])
	}
	c.Flag(&v.Enforce)
}
