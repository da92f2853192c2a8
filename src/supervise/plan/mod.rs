//! What a plan says: phases, what each may touch, and how it is proved.
//! Knows no files and no clock.
