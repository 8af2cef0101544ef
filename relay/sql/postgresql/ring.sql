-- Wakes whoever waits for these channels, when the transaction commits. None stands for a lane whose last message has been
-- swept away since somebody looked.
CREATE OR REPLACE FUNCTION relay_ring(p_channels text[]) RETURNS void
LANGUAGE sql AS $$
    SELECT pg_notify('relay_' || md5(channel), '') FROM unnest(p_channels) channel WHERE channel IS NOT NULL
$$;
